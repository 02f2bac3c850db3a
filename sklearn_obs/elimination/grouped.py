"""Optimal Brain Surgeon on whole groups of weights: which to remove next, and how to adjust others.

C = H^-1 is over the remaining weights, and v holds the weights of group B, with 0 for those whose
removal costs nothing. The removal of B raises the quadratic model of the loss by its saliency L_B
and changes the others by delta w::

    L_B = v' (C_BB)^-1 v / 2     delta w = -C_:B (C_BB)^-1 v     C <- C - C_:B (C_BB)^-1 C_B:

With C_BB = R R', R z = v and l = C_:B R'^-1 these are steps of `sklearn_obs.elimination.greedy`,
one for each member, where members whose removal costs nothing come first::

    L_B = z'z / 2                w <- w - l z                C <- C - l l'

So groups are removed in panels as well: the columns l of several removals are collected in L, and
C - L L' is used until C itself is updated. If C is block-diagonal, L_B is a sum over blocks, and
each block has its own panel. The saliencies of all groups of a block are computed in stacks of
small matrices.

If a group has weights in several blocks, its true saliency is above or below this sum, because its
units may lose the same signal, or opposite ones. If a function for the *joint* saliencies is given,
it is called once, and each L_B is multiplied from then on by the ratio of the two at the start.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from sklearn_obs.elimination.greedy import PANEL, Elimination
from sklearn_obs.elimination.groups import Group, not_last, reached, side_by_side
from sklearn_obs.elimination.inverse_hessian import InverseHessian, inverted

STACKED = 2**22  # numbers in a stack of matrices, 32 MiB, unless a single one is larger

# the weights of a block, (m,); the groups with weights in it, (g,); their delta w, (m, g)
Update = tuple[np.ndarray, np.ndarray, np.ndarray]


def eliminate_groups(
    weights: np.ndarray,
    inverse_hessian: InverseHessian,
    groups: Sequence[Group],
    n_remove: int,
    *,
    eligible: np.ndarray | None = None,
    stops: Sequence[int] = (),
    joint: Callable[[Iterable[Update]], np.ndarray] | None = None,
) -> Elimination:
    """Remove groups one at a time, lowest saliency first, and adjust the others each time.

    Ties are resolved to the group that comes first in `groups`.

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
        The weights that are counted and recorded; the others become 0 with their groups.
    stops : sequence of int, default=()
        As in `eliminate`; the group that reaches a stop is removed as a whole.
    joint : callable, default=None
        Called with the updates of `group_updates`; returns the joint saliencies, (n_groups,). It is
        not called if all groups are in one block.

    Returns
    -------
    Elimination
        One entry for each member; in a group, those whose removal costs nothing come first.

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
    >>> from sklearn_obs.elimination import Group, eliminate_groups
    >>> costs = np.array([True, True])
    >>> groups = [Group(np.array([0, 1]), costs, 0), Group(np.array([2, 3]), costs, 0)]
    >>> C = FullInverse(np.diag([1.0, 2.0, 3.0, 4.0]))
    >>> path = eliminate_groups(np.ones(4), C, groups, 2)
    >>> path.order, path.saliency
    (array([0, 1]), array([0.5, 1. ]))
    """
    w = np.array(weights, np.float64)
    counts = np.ones(w.size, bool) if eligible is None else np.asarray(eligible, bool)
    remains = np.ones(w.size, bool)
    layer, there = np.array([group.layer for group in groups], int), np.ones(len(groups), bool)
    parts = list(_parts(inverse_hessian, groups, w.size))
    order: list[int] = []
    saliency: list[float] = []
    earlier: list[tuple[int, np.ndarray]] = []
    factor = np.ones(len(groups))
    if joint is not None and len(parts) > 1:
        apart = _prices(parts, len(groups), w, remains)
        together = joint((part.index, *part.updates(w, remains)) for part in parts)
        np.divide(together, apart, out=factor, where=apart > 0)
    while len(order) < n_remove:
        able = not_last(layer, there)
        price = factor * _prices(parts, len(groups), w, remains)
        chosen = able[price[able].argmin()]
        group = groups[chosen].among(remains)
        z = np.zeros(group.members.size)
        for part in parts:
            part.remove(group, w, z)
        parts = [part for part in parts if part.n_left]
        w[group.members], remains[group.members], there[chosen] = 0, False, False
        recorded = counts[group.members]
        order.extend(group.members[recorded])
        saliency.extend(factor[chosen] * z[recorded] ** 2 / 2)
        earlier += reached(stops[len(earlier) :], len(order), w)
    path = Elimination(np.array(order, np.intp), np.array(saliency), w)
    return replace(path, earlier=tuple(path.until(*stop) for stop in earlier))


def group_saliencies(
    weights: np.ndarray, inverse_hessian: InverseHessian, groups: Sequence[Group]
) -> np.ndarray:
    """The saliency L_B of each group, of shape (n_groups,).

    Blocks are inverted one after the other, so only one inverse is in memory at a time.
    """
    parts = _parts(inverse_hessian, groups, weights.size)
    return _prices(parts, len(groups), weights, np.ones(weights.size, bool))


def group_updates(
    weights: np.ndarray, inverse_hessian: InverseHessian, groups: Sequence[Group]
) -> Iterator[Update]:
    """Yield, for each block, delta w of the removal of each group alone; its own weights become 0.

    Yields
    ------
    (ndarray of shape (m,), ndarray of shape (g,), ndarray of shape (m, g))
        The indices of the weights of a block, the groups with weights in it, and by how much the
        removal of each group changes the weights of the block.
    """
    remains = np.ones(weights.size, bool)
    for part in _parts(inverse_hessian, groups, weights.size):
        yield part.index, *part.updates(weights, remains)


def _prices(parts, n_groups, w, remains):
    """L_B of each group, summed over the blocks."""
    price = np.zeros(n_groups)
    for part in parts:
        part.price(price, w, remains)
    return price


def _parts(inverse_hessian, groups, n):
    """Yield the blocks of C, each inverted only when it is reached.

    Blocks in which no removal costs anything are left out: no weight has to compensate there.
    """
    blocks = inverse_hessian.blocks()
    if blocks is None:
        blocks = [inverted(np.arange(n), inverse_hessian)]
    places = _Places(np.empty(n, np.intp), np.empty(n, np.intp))
    for number, block in enumerate(blocks):
        places.block[block.index] = number
    member, costs, owner = side_by_side(groups)
    of_block = np.argsort(places.block[member], kind="stable")
    ends = np.searchsorted(places.block[member[of_block]], np.arange(1, len(blocks)))
    for number, here in enumerate(np.split(of_block, ends)):
        if costs[here].any():
            stacks = _stacks(member[here], costs[here], owner[here])
            yield _Part(number, blocks[number], stacks, places)


def _stacks(member, costs, owner):
    """Stacks of the groups whose removal costs something, with up to 1, 2, 4, ... members."""
    of_group = np.split(np.arange(member.size), np.flatnonzero(np.diff(owner)) + 1)
    by_size: dict[int, list[np.ndarray]] = {}
    for some in of_group:
        if costs[some].any():
            by_size.setdefault((some.size - 1).bit_length(), []).append(some)
    stacks = []
    for some in by_size.values():
        sizes = np.array([each.size for each in some])
        there = np.arange(sizes.max()) < sizes[:, None]
        stack = _Stack(
            owner[[each[0] for each in some]], np.full(there.shape, -1), np.zeros(there.shape, bool)
        )
        stack.member[there] = member[np.concatenate(some)]
        stack.costs[there] = costs[np.concatenate(some)]
        stacks.append(stack)
    return stacks


@dataclass(frozen=True)
class _Places:
    """For each weight, (n,), the number of its block, and its row in the C of this block."""

    block: np.ndarray
    row: np.ndarray


@dataclass(frozen=True)
class _Stack:
    """Groups of about the same size in one block, with one row for each group."""

    group: np.ndarray  # (g,) their numbers
    member: np.ndarray  # (g, k) their weights in this block, padded with -1
    costs: np.ndarray  # (g, k) bool, whether the removal costs anything

    def among(self, some):
        """The stack of some of the groups."""
        return _Stack(self.group[some], self.member[some], self.costs[some])


class _Part:
    """A block of C, its panel, and the groups that have weights in it."""

    def __init__(self, number, block, stacks, places):
        self._number, self._places, self._stacks = number, places, stacks
        self.index, self._C = block.index, block.inverse()
        self._begin()

    def _begin(self):
        """Begin a panel, when C has just been updated."""
        self._places.row[self.index] = np.arange(self.index.size)
        self._d = self._C.diagonal()  # of C - L L'
        self._panel, self._gone = np.empty((self.index.size, PANEL), order="F"), []

    @property
    def n_left(self):
        """Number of weights left in this block."""
        return self.index.size - len(self._gone)

    @property
    def _L(self):
        return self._panel[:, : len(self._gone)]

    def price(self, price, w, remains):
        """Add the part of each group's saliency that is in this block to `price`."""
        for stack in self._stacks:
            k = stack.member.shape[1]
            at_once = max(1, STACKED // k**2)
            for start in range(0, len(stack.group), at_once):
                some = stack.among(slice(start, start + at_once))
                there, row, v = self._at(some, w, remains)
                x = self._solved(there, row, v)
                price[some.group] += (v * x).sum(axis=1) / 2

    def updates(self, w, remains):
        """The groups with weights in this block, (g,), and delta w of each, (m, g)."""
        groups, deltas = [], []
        for stack in self._stacks:
            at_once = max(1, PANEL // stack.member.shape[1])
            for start in range(0, len(stack.group), at_once):
                some = stack.among(slice(start, start + at_once))
                there, row, v = self._at(some, w, remains)
                x = self._solved(there, row, v)
                columns = self._C.columns(row.ravel()).reshape(-1, *row.shape)
                delta = -np.einsum("ngk,gk->ng", columns, x)
                delta[row[there], np.nonzero(there)[0]] = -w[some.member[there]]
                groups.append(some.group)
                deltas.append(delta)
        return np.concatenate(groups), np.hstack(deltas)

    def _at(self, stack, w, remains):
        """The mask of weights that the groups still have, their rows in C, and v; each (g, k)."""
        there = (stack.member >= 0) & remains[stack.member]
        row = np.where(there, self._places.row[stack.member], 0)
        return there, row, np.where(there & stack.costs, w[stack.member], 0)

    def _solved(self, there, row, v):
        """(C_BB)^-1 v of each group, (g, k)."""
        if v.shape[1] == 1:
            return np.divide(v, self._d[row], out=np.zeros(v.shape), where=there)
        return np.linalg.solve(self._minors(row, there), v[..., None])[..., 0]

    def _minors(self, row, there):
        """C_BB of each group, (g, k, k), with the identity in place of missing weights."""
        C_BB, L_B = self._C.minors(row), self._L[row]
        C_BB -= L_B @ L_B.transpose(0, 2, 1)
        return np.where(there[:, :, None] & there[:, None, :], C_BB, np.eye(row.shape[1]))

    def remove(self, group, w, z):
        """Remove the weights of the group in this block, and update `w` and `z` there."""
        here = np.flatnonzero(self._places.block[group.members] == self._number)
        if not here.size:
            return
        if len(self._gone) + here.size > PANEL:
            self._update(here.size)
        members = group.members[here]
        B = self._places.row[members]
        l = self._C.columns(B)
        l -= self._L @ self._L[B].T
        root = cholesky(l[B], lower=True)
        z[here] = solve_triangular(root, w[members] * group.costs[here], lower=True)
        l = solve_triangular(root, l.T, lower=True).T
        l[self._gone] = 0  # only rounding is left there, and it is large if C is
        w[self.index] -= l @ z[here]
        self._d -= np.einsum("ij,ij->i", l, l)
        self._panel[:, len(self._gone) : len(self._gone) + here.size] = l
        self._gone.extend(B.tolist())

    def _update(self, n_next):
        """Update C, and begin a panel with room for `n_next` removals."""
        if self._gone:
            self._C = self._C.without(self._gone, factor=self._L, overwrite=True)
            self.index = np.delete(self.index, self._gone)
            self._begin()
        if n_next > PANEL:
            self._panel = np.empty((self.index.size, n_next), order="F")
