"""Importances of inputs: by how much the loss would rise if an input were removed.

A variable B, an input or several that belong together, has its joint saliency L_B (see
`sklearn_obs.elimination.grouped`), with the change of all weights delta that goes with it. On the
samples t, with their shares v_t, the loss then rises by

    sum_t v_t q_t        q_t = g_t' delta + delta' H_t delta / 2

to second order, g_t and H_t the gradient and the Gauss-Newton matrix of the sample's own loss, of
its label. With other samples of the same kind it would rise by something else: its standard error,
what resampling the n samples with replacement amounts to in the limit, is

    sd(q) / sqrt(n)      1 / n = sum_t v_t^2

For a useful variable that is a small part of L_B. For noise, of which a network at its minimum has
learned what its samples happen to show, g_t' delta is as large as it is random: L_B is about
k / (2 n) for k weights, and its standard error 2 L_B / sqrt(k).

References
----------
Efron, B. (1982). The jackknife, the bootstrap and other resampling plans, chapter 6 (the
infinitesimal jackknife). SIAM.
"""

from dataclasses import replace

import numpy as np
from scipy.linalg import LinAlgError

from sklearn_obs.curvature.factors import layer_factors
from sklearn_obs.curvature.measurement import Measurement, measure
from sklearn_obs.elimination import group_updates
from sklearn_obs.elimination.groups import groups_of
from sklearn_obs.network import Layout, Network
from sklearn_obs.network.compaction import dead_weights
from sklearn_obs.plan import Plan
from sklearn_obs.pruning.criteria import Case
from sklearn_obs.pruning.problem import Problem


def inputs_of(plan: Plan, layout: Layout) -> list[np.ndarray]:
    """The inputs of each variable."""
    return list(plan.variables or np.arange(layout.units[0])[:, None])


def importances(
    network: Network, mask: np.ndarray, problem: Problem, rng: np.random.Generator
) -> np.ndarray:
    """By how much the loss would rise without each variable, (n_variables,), 0 of those not read.

    With the weight update of the others, if the criterion is OBS; else by a diagonal Hessian.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the curvature cannot be inverted with this damping, or a number is not finite.
    """
    case, at, importance = _case(network, mask, problem, rng)
    if case is None:
        return importance
    with np.errstate(over="ignore", invalid="ignore"):  # said below
        if problem.plan.criterion == "obs":
            importance[at] = case.group_saliencies(case.groups)
        else:
            saliency = case.hessian_diagonal() * case.weights**2 / 2
            importance[at] = [saliency[group.members].sum() for group in case.groups]
    if not np.isfinite(importance).all():
        raise LinAlgError("they are not finite, as the weights of the network are too large")
    return importance


def standard_errors(
    network: Network, mask: np.ndarray, problem: Problem, rng: np.random.Generator
) -> np.ndarray:
    """Those of `importances` for other samples of the same kind, (n_variables,).

    Without labels, as if the network were right: of labels that are drawn from its outputs.

    Raises
    ------
    numpy.linalg.LinAlgError
        As of `importances`.
    """
    case, at, error = _case(network, mask, problem, rng)
    if case is None:
        return error
    kind = "fisher" if problem.objective.labels is None else "empirical_fisher"
    plan = replace(problem.plan, curvature=kind)
    first = measure(network, problem.objective, plan, rng)
    if problem.plan.criterion == "obs":
        updates = group_updates(case.weights, case.inverse_hessian(), case.groups)
    else:
        updates = [(np.arange(case.keep.size), _without(case.weights, case.groups))]
    # a root of v_t in each of its rows
    slopes, bends = 0.0, 0.0
    for index, delta in updates:
        flat = case.keep[index]
        slopes += _along(first, flat, delta)
        bends += _along(replace(first, kind="ggn"), flat, delta)
    root = np.sqrt(first.shares)[:, None]
    q = slopes[:, 0] / root + (bends**2).sum(axis=1) / root**2 / 2
    mean = first.shares @ q
    variance = first.shares @ (q - mean) ** 2
    error[at] = np.sqrt(variance * (problem.objective.shares**2).sum())
    return error


def _case(network, mask, problem, rng):
    """The case of the variables that are read, or None; their numbers; zeros for all."""
    layout = network.layout
    variables = inputs_of(problem.plan, layout)
    number = np.empty(layout.units[0], np.intp)
    for n, inputs in enumerate(variables):
        number[inputs] = n
    keep = np.flatnonzero(mask & ~problem.scope.unread & ~dead_weights(layout, mask))
    groups = groups_of("input", layout, layout.positions(keep), variables)
    at = [number[keep[group.members[0]] // layout.units[1]] for group in groups]
    case = replace(Case.of(network, keep, problem, rng), groups=groups) if groups else None
    return case, at, np.zeros(len(variables))


def _without(weights, groups):
    """The change that removes each group and adjusts nothing, (n, n_groups)."""
    delta = np.zeros((weights.size, len(groups)))
    for column, group in zip(delta.T, groups, strict=True):
        column[group.members] = -weights[group.members]
    return delta


def _along(measurement: Measurement, flat: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """G delta of the root G of the curvature, by samples: (n, K, n_directions).

    Parameters
    ----------
    measurement : Measurement
    flat : ndarray of shape (m,), int
        Flat indices of the weights that change.
    delta : ndarray of shape (m, n_directions)
        By what they do, in each direction.
    """
    layout = measurement.network.layout
    position = layout.positions(flat)
    found = np.zeros((measurement.n_samples, measurement.n_signals, delta.shape[1]))
    for rows in measurement.slices(measurement.factor_numbers):
        for index, layer in zip(layout.index, layer_factors(measurement.subset(rows)), strict=True):
            for unit, column in enumerate(position[index].T):
                (reads,) = np.nonzero(column >= 0)
                if reads.size:
                    along = layer.inputs[:, reads] @ delta[column[reads]]
                    found[rows] += layer.signals[:, :, unit, None] * along[:, None, :]
    return found
