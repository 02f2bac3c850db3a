"""A pruning run: rounds of removal and retraining, from a dense network to a sparse one.

`feasibility` determines what a run may remove and how far it can get. `rounds` is the outer loop,
and `removal` is the removal of one round, by one of the `criteria`. `swaps` exchanges removed
weights for remaining ones. `stopping` has rules that read the path of a run, and `importances`
computes how much each input matters.
"""

from sklearn_obs.pruning.criteria import CRITERIA
from sklearn_obs.pruning.feasibility import Scope
from sklearn_obs.pruning.importances import importances, inputs_of
from sklearn_obs.pruning.problem import Problem
from sklearn_obs.pruning.rounds import Round, prune

__all__ = [
    "CRITERIA",
    "Problem",
    "Round",
    "Scope",
    "importances",
    "inputs_of",
    "prune",
]
