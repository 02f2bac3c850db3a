"""The scikit-learn estimators: they validate, call the core and store, without arithmetic."""

from sklearn_obs.estimators.classifier import OBSPrunedMLPClassifier
from sklearn_obs.estimators.cross_validation import OBSPrunedMLPCV
from sklearn_obs.estimators.importances import input_importances
from sklearn_obs.estimators.origins import input_groups_of
from sklearn_obs.estimators.path import PruningPath, obs_pruning_path
from sklearn_obs.estimators.regressor import OBSPrunedMLPRegressor

__all__ = [
    "OBSPrunedMLPCV",
    "OBSPrunedMLPClassifier",
    "OBSPrunedMLPRegressor",
    "PruningPath",
    "input_groups_of",
    "input_importances",
    "obs_pruning_path",
]
