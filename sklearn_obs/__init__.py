"""Optimal Brain Surgeon for scikit-learn: small networks that keep their accuracy."""

from sklearn_obs.estimators import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor

__version__ = "0.1.0"

__all__ = ["OBSPrunedMLPClassifier", "OBSPrunedMLPRegressor"]
