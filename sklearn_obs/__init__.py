"""Optimal Brain Surgeon for scikit-learn: small networks that keep their accuracy."""

from importlib import import_module
from types import ModuleType

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

_ON_DEMAND = ("callbacks", "display", "export", "stopping")


def __getattr__(name: str) -> ModuleType:
    """The modules that are imported when they are first used."""
    if name in _ON_DEMAND:
        return import_module(f"sklearn_obs.{name}")
    raise AttributeError(f"module 'sklearn_obs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ON_DEMAND])
