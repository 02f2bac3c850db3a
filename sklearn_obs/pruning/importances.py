"""Importances of inputs: by how much the loss would rise if an input were removed."""

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.elimination.groups import groups_of
from sklearn_obs.network import Network
from sklearn_obs.network.compaction import dead_weights
from sklearn_obs.pruning.criteria import Case
from sklearn_obs.pruning.problem import Problem


def importances(
    network: Network, mask: np.ndarray, problem: Problem, rng: np.random.Generator
) -> np.ndarray:
    """By how much the loss would rise without each input, (n_inputs,), 0 of inputs not read.

    With the weight update of the others, if the criterion is OBS; else by a diagonal Hessian.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the curvature cannot be inverted with this damping, or a number is not finite.
    """
    layout = network.layout
    importance = np.zeros(layout.units[0])
    keep = np.flatnonzero(mask & ~problem.scope.unread & ~dead_weights(layout, mask))
    inputs = groups_of("input", layout, layout.positions(keep))
    if inputs:
        case = Case.of(network, keep, problem, rng)
        at = [keep[group.members[0]] // layout.units[1] for group in inputs]
        with np.errstate(over="ignore", invalid="ignore"):  # said below
            if problem.plan.criterion == "obs":
                importance[at] = case.group_saliencies(inputs)
            else:
                saliency = case.hessian_diagonal() * case.weights**2 / 2
                importance[at] = [saliency[group.members].sum() for group in inputs]
        if not np.isfinite(importance).all():
            raise LinAlgError("they are not finite, as the weights of the network are too large")
    return importance
