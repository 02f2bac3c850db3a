"""Whole groups of weights, a hidden unit or an input: which is removed next, and how others adjust.

With C = H^-1 over the remaining weights and v the weights of group B whose removal costs something,
its removal raises the quadratic model of the loss by its saliency L_B and changes the others by
delta w::

    L_B = v' (C_BB)^-1 v / 2     delta w = -C_:B (C_BB)^-1 v     C <- C - C_:B (C_BB)^-1 C_B:

An *input* is its outgoing weights, and the removal of each costs something: v = w_B. A hidden
*unit* is its outgoing and incoming weights and its intercept. Once the outgoing weights are removed
the others are dead; their removal costs nothing and nothing has to make up for them, so that v =
(w_out, 0). Member by member, the dead ones first, the steps of `sklearn_obs.elimination.greedy` sum
to L_B: with C_BB = R R' and R z = v, the saliencies are z^2 / 2.

The last group of a layer stays: without it, nothing would be left of the network.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from sklearn_obs.elimination.greedy import PANEL, Elimination
from sklearn_obs.elimination.inverse_hessian import InverseHessian
from sklearn_obs.network import Layout


@dataclass(frozen=True)
class Group:
    """Weights that are removed together, as positions among the weights at hand."""

    members: np.ndarray  # (k,) those whose removal costs nothing first
    costs: np.ndarray  # (k,) bool, whether the removal of a member costs anything
    layer: int  # of units, inputs are 0

    def among(self, remains: np.ndarray) -> "Group":
        """The group of those members that remain."""
        there = remains[self.members]
        return replace(self, members=self.members[there], costs=self.costs[there])


class LastGroupError(ValueError):
    """Nothing but the last groups of their layers is left to remove."""


def groups_of(granularity: str, layout: Layout, position: np.ndarray) -> list[Group]:
    """The groups of a network: every 'unit' of the hidden layers, or every 'input'.

    Parameters
    ----------
    granularity : {'unit', 'input'}
    layout : Layout
    position : ndarray of shape (n_parameters,), int
        Flat index -> position among the weights at hand, -1 where it is not among them.

    Returns
    -------
    list of Group
        Those with a weight whose removal costs something, that is, which lead somewhere.
    """
    index = [position[i] for i in layout.index]
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
        costs = np.arange(members.size) >= len(ins)
        group = Group(members[members >= 0], costs[members >= 0], layer)
        if group.costs.any():
            groups.append(group)
    return groups


def least_left(granularity: str, layout: Layout) -> np.ndarray:
    """What is left when all groups but one a layer have been removed: a bool mask."""
    mask = np.ones(layout.n_parameters, bool)
    if granularity == "input":
        mask[layout.index[0][1:-1]] = False
        return mask
    for layer, index in enumerate(layout.index):
        if layer:
            mask[index[1:-1]] = False
        if layer < layout.n_layers - 1:
            mask[index[:, 1:]] = False
    return mask


def eliminate_groups(
    weights: np.ndarray,
    inverse_hessian: InverseHessian,
    groups: Sequence[Group],
    n_remove: int,
    *,
    eligible: np.ndarray | None = None,
    stops: Sequence[int] = (),
) -> Elimination:
    """Remove groups one at a time, the one of least saliency first; the others adjust each time.

    Ties go to the first in `groups`.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        The weights at (or near) a minimum of the loss.
    inverse_hessian : InverseHessian
        C = H^-1 over these weights (see `sklearn_obs.elimination`); it may be destroyed.
    groups : list of Group
    n_remove : int
        How many eligible weights to remove at least; the last group is removed as a whole.
    eligible : ndarray of shape (n,), bool, default=None
        The weights that count and are recorded; the others become 0 with their groups.
    stops : sequence of int, default=()
        As in `eliminate`; here, too, the group that reaches one is removed as a whole.

    Returns
    -------
    Elimination
        Member by member; in each group those whose removal costs nothing come first.

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
    >>> from sklearn_obs.elimination.groups import Group, eliminate_groups
    >>> costs = np.array([True, True])
    >>> groups = [Group(np.array([0, 1]), costs, 0), Group(np.array([2, 3]), costs, 0)]
    >>> C = FullInverse(np.diag([1.0, 2.0, 3.0, 4.0]))
    >>> path = eliminate_groups(np.ones(4), C, groups, 2)
    >>> path.order, path.saliency
    (array([0, 1]), array([0.5, 1. ]))
    """
    C, w = inverse_hessian, np.array(weights, np.float64)
    counts = np.ones(w.size, bool) if eligible is None else np.asarray(eligible, bool)
    remains = np.ones(w.size, bool)
    order: list[int] = []
    saliency: list[float] = []
    earlier: list[tuple[int, np.ndarray]] = []
    while len(order) < n_remove:
        left = np.flatnonzero(remains)  # what C is over
        position = np.cumsum(remains) - 1
        priced = [
            (group, *_price(w[group.members] * group.costs, C, position[group.members]))
            for group in not_last(groups)
        ]
        chosen, root, z = min(priced, key=lambda price: float(price[2] @ price[2]))
        B = position[chosen.members]
        x = solve_triangular(root, z, lower=True, trans=1)  # (C_BB)^-1 v
        for start in range(0, B.size, PANEL):
            some = slice(start, start + PANEL)
            w[left] -= C.columns(B[some]) @ x[some]
        C = C.without(B, overwrite=True)
        w[chosen.members], remains[chosen.members] = 0, False
        recorded = counts[chosen.members]
        order.extend(chosen.members[recorded])
        saliency.extend(z[recorded] ** 2 / 2)
        groups = [group.among(remains) for group in groups if group is not chosen]
        earlier += reached(stops[len(earlier) :], len(order), w)
    path = Elimination(np.array(order, np.intp), np.array(saliency), w)
    return replace(path, earlier=tuple(path.until(*stop) for stop in earlier))


def reached(stops, n_removed, w):
    """(n_removed, w), once for each of the `stops` that are reached."""
    return [(n_removed, w.copy())] * sum(stop <= n_removed for stop in stops)


def group_saliencies(
    weights: np.ndarray, inverse_hessian: InverseHessian, groups: Sequence[Group]
) -> np.ndarray:
    """L_B of each group, of shape (n_groups,).

    Over blocks it is a sum, C_BB being block-diagonal. They are inverted one after the other, so
    that one inverse is held at a time.
    """
    saliency = np.zeros(len(groups))
    member = np.concatenate([group.members for group in groups])
    v = weights[member] * np.concatenate([group.costs for group in groups])
    of_group = np.repeat(np.arange(len(groups)), [group.members.size for group in groups])
    for index, inverse in _one_by_one(inverse_hessian, weights.size):
        place = np.full(weights.size, -1)
        place[index] = np.arange(index.size)
        (here,) = np.nonzero(place[member] >= 0)
        if not here.size:
            continue
        C, B, number = inverse(), place[member[here]], of_group[here]
        if np.diff(number).all():  # one member a group: z^2 = v^2 / C_qq
            saliency[number] += v[here] ** 2 / C.diagonal()[B] / 2
            continue
        for some in np.split(np.arange(B.size), np.flatnonzero(np.diff(number)) + 1):
            _, z = _price(v[here[some]], C, B[some])
            saliency[number[some[0]]] += float(z @ z) / 2
    return saliency


def _one_by_one(inverse_hessian, n):
    """(positions, a function that returns the inverse over them) of each block, or of the whole."""
    blocks = inverse_hessian.blocks()
    if blocks is None:
        return [(np.arange(n), lambda: inverse_hessian)]
    return [(block.index, block.inverse) for block in blocks]


def _price(v, C, B):
    """R and z of a group: C_BB = R R', R z = v."""
    root = cholesky(C.columns(B, rows=B), lower=True)
    return root, solve_triangular(root, v, lower=True)


def useless(groups, removed):
    """The members, of any group, that are dead once `removed` has been removed."""
    gone = set(np.asarray(removed).tolist())
    return [
        member
        for group in groups
        if gone.issuperset(group.members[group.costs].tolist())
        for member in group.members[~group.costs].tolist()
    ]


def not_last(groups):
    """The groups without the last of each layer."""
    left = Counter(group.layer for group in groups)
    found = [group for group in groups if left[group.layer] > 1]
    if not found:
        raise LastGroupError("the last groups of their layers are all that is left")
    return found
