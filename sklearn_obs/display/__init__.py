"""Figures of pruning. Only this folder imports matplotlib, and only when something is drawn."""

from sklearn_obs.display.importances import InputImportancesDisplay
from sklearn_obs.display.mask import WeightMaskDisplay
from sklearn_obs.display.network import NetworkDisplay
from sklearn_obs.display.path import PruningPathDisplay

__all__ = [
    "InputImportancesDisplay",
    "NetworkDisplay",
    "PruningPathDisplay",
    "WeightMaskDisplay",
]
