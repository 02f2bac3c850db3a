"""Stopping rules: each chooses from a path of networks, each sparser than the one before."""

from sklearn_obs.pruning.stopping import (
    effective_parameters,
    one_standard_error,
    prediction_error,
    saliency_rule,
)

__all__ = ["effective_parameters", "one_standard_error", "prediction_error", "saliency_rule"]
