"""Fitted networks as files for other programs."""

from sklearn_obs.export.c_source import CSource, export_c

__all__ = ["CSource", "export_c"]
