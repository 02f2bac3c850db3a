"""Fitted networks as files for other programs: C99, ONNX, skops; and what they take."""

from sklearn_obs.export.c.source import CSource, export_c
from sklearn_obs.export.onnx.file import ONNXFile, export_onnx, register_onnx
from sklearn_obs.export.size import size_report
from sklearn_obs.export.skops import export_skops, load_skops

__all__ = [
    "CSource",
    "ONNXFile",
    "export_c",
    "export_onnx",
    "export_skops",
    "load_skops",
    "register_onnx",
    "size_report",
]
