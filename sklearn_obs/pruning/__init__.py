"""A pruning run: rounds of removal and retraining, from a dense network to a sparse one.

`feasibility` answers what a run may remove and how far it can go; `rounds` is the outer loop;
`removal` is what a round removes, by one of the `criteria`; `swaps` brings weights back; `stopping`
has rules that read the path of a run, `importances` the worth of each input.
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
