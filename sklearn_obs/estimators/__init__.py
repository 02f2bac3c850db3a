"""Estimators of scikit-learn's kind: they validate, call the core and store. No arithmetic here."""

from sklearn_obs.estimators.classifier import OBSPrunedMLPClassifier
from sklearn_obs.estimators.regressor import OBSPrunedMLPRegressor

__all__ = ["OBSPrunedMLPClassifier", "OBSPrunedMLPRegressor"]
