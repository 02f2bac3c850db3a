"""Optimal Brain Surgeon for scikit-learn: small networks that keep their accuracy."""

from importlib import import_module
from types import ModuleType

from sklearn_obs.estimators import (
    OBSPrunedMLPClassifier,
    OBSPrunedMLPCV,
    OBSPrunedMLPRegressor,
    input_groups_of,
    input_importances,
    obs_pruning_path,
)
from sklearn_obs.estimators.versions import __version__ as __version__

__all__ = [
    "OBSPrunedMLPCV",
    "OBSPrunedMLPClassifier",
    "OBSPrunedMLPRegressor",
    "input_groups_of",
    "input_importances",
    "obs_pruning_path",
]

_ON_DEMAND = ("callbacks", "display", "export", "inspection", "stopping")


def __getattr__(name: str) -> ModuleType:
    """Import a module of `_ON_DEMAND` when it is first used."""
    if name in _ON_DEMAND:
        return import_module(f"sklearn_obs.{name}")
    raise AttributeError(f"module 'sklearn_obs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ON_DEMAND])
