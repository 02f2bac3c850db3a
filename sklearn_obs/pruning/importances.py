"""Importances of inputs: by how much the loss would rise if an input were removed.

A variable B is an input, or several that belong together. With delta, what its removal changes, its
weights to 0 and others to make up for it, and H the curvature over all weights, penalty and damping
included, its joint saliency is::

    L_B = delta' H delta / 2

Where the inverse C of H is at hand as a whole, that is the saliency of
`sklearn_obs.elimination.grouped`. Where C is known by blocks, delta is made block by block, but
what it costs is not the sum of what it costs in each: units that lose the same input lose the same
thing.

On the samples t, with their shares v_t, the loss rises by

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
from sklearn_obs.pruning.problem import Problem


def inputs_of(plan: Plan, layout: Layout) -> list[np.ndarray]:
    """The inputs of each variable."""
    return list(plan.variables or np.arange(layout.units[0])[:, None])


def importances(
    network: Network,
    mask: np.ndarray,
    problem: Problem,
    rng: np.random.Generator,
    *,
    spread: bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The joint saliencies of all variables and, if asked for, their standard errors.

    With the weight update of the others, if the criterion is OBS. Without labels the errors are as
    if the network were right: of labels that are drawn from its outputs.

    Returns
    -------
    (ndarray, ndarray or None), each of shape (n_variables,)
        0 for variables that are not read.

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
        with np.errstate(over="ignore", invalid="ignore"):  # said below
            saliency[at], errors = _of_groups(network, keep, groups, problem, rng, spread)
        if error is not None:
            error[at] = errors
        if not np.isfinite(saliency).all():
            raise LinAlgError("they are not finite, as the weights of the network are too large")
    return saliency, error


def _of_groups(network, keep, groups, problem, rng, spread):
    """Joint saliencies of the groups, and their standard errors or None."""
    plan = problem.plan
    case = Case.of(network, keep, problem, copy.deepcopy(rng))
    if plan.structure == "auto" and plan.curvature in FACTORED:
        case = replace(case, structure="unit")
    adjusted = plan.criterion == "obs"
    if adjusted:
        updates = group_updates(case.weights, case.inverse_hessian(), groups)
    else:
        updates = _removals(case.weights, groups)
    ridge = case.ridge(case.damping if adjusted else 0)
    kind = plan.curvature if plan.curvature in FACTORED else "ggn"
    roots = [_Along(replace(case.measurement, kind=kind), len(groups))]
    if spread:
        first = "fisher" if problem.objective.labels is None else "empirical_fisher"
        seen = measure(network, problem.objective, replace(plan, curvature=first), rng)
        roots += [_Along(seen, len(groups)), _Along(replace(seen, kind="ggn"), len(groups))]
    of_ridge = np.zeros(len(groups))
    for index, some, delta in updates:
        of_ridge[some] += ridge[index] @ delta**2 / 2
        for root in roots:
            root.add(keep[index], some, delta)
    saliency = (roots[0].value ** 2).sum(axis=(0, 1)) / 2 + of_ridge
    if adjusted and kind != plan.curvature:  # the exact Hessian, which has no root
        saliency = case.group_saliencies(groups)
    if not spread:
        return saliency, None
    slopes, bends = roots[1].value[:, 0], (roots[2].value ** 2).sum(axis=1) / 2
    root = np.sqrt(seen.shares)[:, None]
    q = slopes / root + bends / root**2
    variance = seen.shares @ (q - seen.shares @ q) ** 2
    return saliency, np.sqrt(variance * (problem.objective.shares**2).sum())


def _removals(weights, groups):
    """What `group_updates` yields where nothing is adjusted."""
    delta = np.zeros((weights.size, len(groups)))
    for column, group in zip(delta.T, groups, strict=True):
        column[group.members] = -weights[group.members]
    yield np.arange(weights.size), np.arange(len(groups)), delta


class _Along:
    """G delta of the root G of a curvature, for several directions delta: (n, K, n_directions)."""

    def __init__(self, measurement, n_directions):
        self._layout = measurement.network.layout
        self._batches = list(measurement.batches(measurement.factor_numbers))
        self.value = np.zeros((measurement.n_samples, measurement.n_signals, n_directions))

    def add(self, flat, some, delta):
        """Of directions `some`, what they change in the parameters `flat`: delta, (m, n_some)."""
        position = self._layout.positions(flat)
        for rows, layers in self._batches:
            for index, layer in zip(self._layout.index, layers, strict=True):
                for unit, column in enumerate(position[index].T):
                    (reads,) = np.nonzero(column >= 0)
                    if reads.size:
                        along = layer.inputs[:, reads] @ delta[column[reads]]
                        signal = layer.signals[:, :, unit, None]
                        self.value[rows, :, some] += signal * along[:, None, :]
