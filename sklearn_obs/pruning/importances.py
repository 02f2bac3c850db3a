"""Importances of inputs: the increase of the loss if an input were removed.

A variable is an input, or several that belong together. Its importance is its joint saliency L_B
(see `sklearn_obs.pruning.joint`). To second order, the loss on samples t with shares v_t rises by

    sum_t v_t q_t        q_t = g_t' delta + delta' H_t delta / 2

where g_t and H_t are the gradient and the Gauss-Newton matrix of the loss of one sample against its
label. The standard error estimates how much this would vary between sets of samples. In the limit
of resampling the n samples with replacement, it is

    sd(q) / sqrt(n)      1 / n = sum_t v_t^2

For a useful variable, this is a small part of L_B. For a variable that is noise, a network at its
minimum has learned chance patterns of the training samples, so g_t' delta varies between samples.
Then L_B is about k / (2 n) for k weights, and its standard error 2 L_B / sqrt(k).

References
----------
Efron, B. (1982). The jackknife, the bootstrap and other resampling plans, chapter 6 (the
infinitesimal jackknife). SIAM.
"""

import copy
from dataclasses import replace

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.curvature import FACTORED, measure
from sklearn_obs.elimination import group_updates
from sklearn_obs.elimination.groups import groups_of
from sklearn_obs.network import Layout, Network
from sklearn_obs.network.compaction import dead_weights
from sklearn_obs.plan import Plan
from sklearn_obs.pruning.criteria import Case
from sklearn_obs.pruning.joint import Along, joint_saliencies, thinned
from sklearn_obs.pruning.problem import Problem


def inputs_of(plan: Plan, layout: Layout) -> list[np.ndarray]:
    """The indices of the inputs of each variable."""
    return list(plan.variables or np.arange(layout.units[0])[:, None])


def importances(
    network: Network,
    mask: np.ndarray,
    problem: Problem,
    rng: np.random.Generator,
    *,
    spread: bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Compute the joint saliencies of all variables and, if `spread`, their standard errors.

    If the criterion is OBS, they include the weight update of the others. If there are no labels,
    the standard errors are computed with labels drawn from the outputs of the network.

    Returns
    -------
    (ndarray, ndarray or None), each of shape (n_variables,)
        Saliencies and standard errors; 0 for variables that are not read.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the curvature cannot be inverted with this damping, or a number is not finite.
    """
    layout, plan = network.layout, problem.plan
    variables = inputs_of(plan, layout)
    number = np.empty(layout.units[0], np.intp)
    for n, inputs in enumerate(variables):
        number[inputs] = n
    saliency, error = np.zeros(len(variables)), np.zeros(len(variables)) if spread else None
    keep = np.flatnonzero(mask & ~problem.scope.unread & ~dead_weights(layout, mask))
    groups = groups_of("input", layout, layout.positions(keep), variables)
    if groups:
        at = [number[keep[group.members[0]] // layout.units[1]] for group in groups]
        with np.errstate(over="ignore", invalid="ignore"):  # an error is raised below
            saliency[at], errors = _of_groups(network, keep, groups, problem, rng, spread)
        if error is not None:
            error[at] = errors
        if not np.isfinite(saliency).all():
            raise LinAlgError("they are not finite, because the network has too large weights")
    return saliency, error


def _of_groups(network, keep, groups, problem, rng, spread):
    """Joint saliencies of the groups, and their standard errors if `spread`, otherwise None."""
    plan, n = problem.plan, len(groups)
    case = Case.of(network, keep, problem, copy.deepcopy(rng))
    factored = plan.curvature in FACTORED
    if plan.structure == "auto" and factored:
        case = replace(case, structure="unit")
    own = replace(case.measurement, kind=case.measurement.kind if factored else "ggn")
    seen, others = None, []
    if spread:
        first = "fisher" if problem.objective.labels is None else "empirical_fisher"
        seen = measure(network, problem.objective, replace(plan, curvature=first), rng)
        seen = replace(thinned(replace(seen, kind="ggn"), n), kind=first)
        others = [Along(seen, n), Along(replace(seen, kind="ggn"), n)]
    if plan.criterion == "obs":
        updates = group_updates(case.weights, case.inverse_hessian(), groups)
        ridge = case.ridge(case.damping)
        saliency = joint_saliencies(own, keep, ridge, updates, n, others)
        if not factored:  # the exact Hessian, which has no root
            saliency = case.group_saliencies(groups)
    else:
        saliency = _unadjusted(case, own, groups, others)
    if seen is None:
        return saliency, None
    root = np.sqrt(seen.shares)[:, None]
    q = others[0].value[:, 0] / root + others[1].halved_squares() / root**2
    variance = seen.shares @ (q - seen.shares @ q) ** 2
    return saliency, np.sqrt(variance * (problem.objective.shares**2).sum())


def _unadjusted(case, measurement, groups, others):
    """Joint saliencies without damping, if no weights are adjusted after a removal."""
    layout = measurement.network.layout
    W, owner = np.zeros((layout.units[0], layout.units[1])), np.full(layout.units[0], -1)
    of_penalty = np.zeros(len(groups))
    for number, group in enumerate(groups):
        flat, w = case.keep[group.members], case.weights[group.members]
        W.ravel()[flat] = w
        owner[flat // layout.units[1]] = number
        of_penalty[number] = case.ridge(0)[group.members] @ w**2 / 2
    along = Along(thinned(measurement, len(groups)), len(groups))
    for each in (along, *others):
        each.add_removals(W, owner)
    return of_penalty + along.halved_squares().sum(axis=0)
