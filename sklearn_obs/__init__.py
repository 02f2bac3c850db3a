"""Optimal Brain Surgeon for scikit-learn: small networks that keep their accuracy."""

from sklearn_obs.estimators import (
    OBSPrunedMLPClassifier,
    OBSPrunedMLPCV,
    OBSPrunedMLPRegressor,
    obs_pruning_path,
)

__version__ = "0.1.0"

__all__ = [
    "OBSPrunedMLPCV",
    "OBSPrunedMLPClassifier",
    "OBSPrunedMLPRegressor",
    "obs_pruning_path",
]
