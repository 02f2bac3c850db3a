"""Whole groups of weights: a hidden unit, an input; which goes next, and how the rest make up.

With C = H^-1 over the living weights and v the weights of group B that pay, its removal raises the
quadratic model of the loss by its saliency L_B and is repaired by delta w::

    L_B = v' (C_BB)^-1 v / 2     delta w = -C_:B (C_BB)^-1 v     C <- C - C_:B (C_BB)^-1 C_B:

An *input* is its outgoing weights, and all of them pay: v = w_B. A hidden *unit* is its outgoing
and incoming weights and its intercept. Once the outgoing weights are gone the others are of no use;
they neither pay nor repair, so that v = (w_out, 0). Member by member, the others first, the steps
of `sklearn_obs.elimination` sum to L_B: with C_BB = R R' and R z = v, the saliencies are z^2 / 2.

The last group of a layer stays: without it, nothing would be left of the network.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from sklearn_obs.elimination import PANEL, Elimination


@dataclass(frozen=True)
class Group:
    """What goes together, as positions among the weights at hand."""

    members: np.ndarray  # (k,) those that do not pay first
    pays: np.ndarray  # (k,) bool
    layer: int  # of units, inputs are 0

    def among(self, living):
        """The group of those members that are still there."""
        there = living[self.members]
        return replace(self, members=self.members[there], pays=self.pays[there])


class LastGroupError(ValueError):
    """Nothing but the last groups of their layers is left to remove."""


def groups_of(granularity, network, position):
    """The groups of a network: every 'unit' of the hidden layers, or every 'input'.

    Parameters
    ----------
    granularity : {'unit', 'input'}
    network : Network
    position : ndarray of shape (n_parameters,), int
        Flat index -> position among the weights at hand, -1 where it is not among them.

    Returns
    -------
    list of Group
        Those with weights that pay, that is, which lead somewhere.
    """
    index = [position[i] for i in network.index]
    if granularity == "input":
        pairs = [(0, (), out) for out in index[0][:-1]]
    else:
        pairs = [
            (layer, ins, out)
            for layer, (W_in, W_out) in enumerate(itertools.pairwise(index), start=1)
            for ins, out in zip(W_in.T, W_out[:-1], strict=True)
        ]
    groups = []
    for layer, ins, out in pairs:
        members = np.concatenate([ins, out]).astype(np.intp)
        pays = np.arange(members.size) >= len(ins)
        group = Group(members[members >= 0], pays[members >= 0], layer)
        if group.pays.any():
            groups.append(group)
    return groups


def least_left(granularity, network):
    """What is left of a dense network when all groups have gone but one a layer: a bool mask."""
    mask = np.ones(network.n_parameters, bool)
    if granularity == "input":
        mask[network.index[0][1:-1]] = False
        return mask
    for layer, index in enumerate(network.index):
        if layer:
            mask[index[1:-1]] = False
        if layer < network.n_layers - 1:
            mask[index[:, 1:]] = False
    return mask


def eliminate_groups(weights, inverse_hessian, groups, n_remove, *, eligible=None, stops=()):
    """Remove groups one at a time, the one of least saliency first, each repaired by the others.

    Ties go to the first in `groups`.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        The weights at (or near) a minimum of the loss.
    inverse_hessian : InverseHessian
        C = H^-1 over these weights (see `sklearn_obs.elimination`); it may be destroyed.
    groups : list of Group
    n_remove : int
        How many eligible weights to remove at least; the last group goes as a whole.
    eligible : ndarray of shape (n,), bool, default=None
        The weights that count and are recorded; the others become 0 with their groups.
    stops : sequence of int, default=()
        As in `eliminate`; here, too, the group that reaches one goes as a whole.

    Returns
    -------
    Elimination
        Member by member; the weights that did not pay go first in their group, at no cost.

    Raises
    ------
    LastGroupError
        If every group that is left is the last of its layer.
    numpy.linalg.LinAlgError
        If C loses positive definiteness on the way.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_obs.curvature import FullInverse
    >>> from sklearn_obs.groups import Group, eliminate_groups
    >>> pays = np.array([True, True])
    >>> groups = [Group(np.array([0, 1]), pays, 0), Group(np.array([2, 3]), pays, 0)]
    >>> C = FullInverse(np.diag([1.0, 2.0, 3.0, 4.0]))
    >>> path = eliminate_groups(np.ones(4), C, groups, 2)
    >>> path.order, path.saliency
    (array([0, 1]), array([0.5, 1. ]))
    """
    C, w = inverse_hessian, np.array(weights, np.float64)
    counts = np.ones(w.size, bool) if eligible is None else np.asarray(eligible, bool)
    alive = np.ones(w.size, bool)
    order, saliency, earlier = [], [], []
    while len(order) < n_remove:
        living = np.flatnonzero(alive)  # what C is over
        position = np.cumsum(alive) - 1
        priced = [
            (group, *_price(w[group.members] * group.pays, C, position[group.members]))
            for group in removable(groups)
        ]
        chosen, root, z = min(priced, key=lambda price: float(price[2] @ price[2]))
        B = position[chosen.members]
        x = solve_triangular(root, z, lower=True, trans=1)  # (C_BB)^-1 v
        for start in range(0, B.size, PANEL):
            some = slice(start, start + PANEL)
            w[living] -= C.columns(B[some]) @ x[some]
        C = C.without(B, overwrite=True)
        w[chosen.members], alive[chosen.members] = 0, False
        recorded = counts[chosen.members]
        order.extend(chosen.members[recorded])
        saliency.extend(z[recorded] ** 2 / 2)
        groups = [group.among(alive) for group in groups if group is not chosen]
        earlier += _reached(stops[len(earlier) :], len(order), w)
    path = Elimination(np.array(order, np.intp), np.array(saliency), w)
    return replace(path, earlier=tuple(path.until(*stop) for stop in earlier))


def _reached(stops, n_removed, w):
    """(n_removed, w), once for each of the `stops` that are reached."""
    reached = sum(stop <= n_removed for stop in stops)
    return [(n_removed, w.copy())] * reached


def eliminate_groups_by_score(weights, score, saliency, groups, n_remove, *, eligible, stops=()):
    """Remove the groups with the least sum of scores over what pays; nothing is repaired.

    Parameters
    ----------
    weights, score, saliency : ndarray of shape (n,)
        `saliency` is what is recorded of each weight that pays.
    groups, n_remove, eligible, stops
        As in `eliminate_groups`.

    Returns
    -------
    Elimination

    Raises
    ------
    LastGroupError
        If every group that is left is the last of its layer.
    """
    w, saliency = np.array(weights), np.array(saliency)
    alive, order, earlier = np.ones(w.size, bool), [], []
    while len(order) < n_remove:
        chosen = min(removable(groups), key=lambda group: score[group.members[group.pays]].sum())
        order.extend(chosen.members[eligible[chosen.members]])
        saliency[chosen.members[~chosen.pays]] = 0
        w[chosen.members], alive[chosen.members] = 0, False
        groups = [group.among(alive) for group in groups if group is not chosen]
        earlier += _reached(stops[len(earlier) :], len(order), w)
    order = np.array(order, np.intp)
    path = Elimination(order, saliency[order], w)
    return replace(path, earlier=tuple(path.until(*stop) for stop in earlier))


def group_saliencies(weights, inverse_hessian, groups):
    """L_B of each group, of shape (n_groups,)."""
    prices = (
        _price(weights[group.members] * group.pays, inverse_hessian, group.members)
        for group in groups
    )
    return np.array([float(z @ z) / 2 for _, z in prices])


def _price(v, C, B):
    """R and z of a group: C_BB = R R', R z = v."""
    root = cholesky(C.columns(B, rows=B), lower=True)
    return root, solve_triangular(root, v, lower=True)


def useless(groups, removed):
    """The members, of any group, that all that pays has gone without."""
    gone = set(np.asarray(removed).tolist())
    return [
        member
        for group in groups
        if gone.issuperset(group.members[group.pays].tolist())
        for member in group.members[~group.pays].tolist()
    ]


def removable(groups):
    """The groups without the last of each layer."""
    left = Counter(group.layer for group in groups)
    found = [group for group in groups if left[group.layer] > 1]
    if not found:
        raise LastGroupError("the last groups of their layers are all that is left")
    return found
