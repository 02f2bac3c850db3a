"""Optimal Brain Surgeon on whole groups of weights: which is removed next, and how others adjust.

With C = H^-1 over the remaining weights and v the weights of group B whose removal costs something,
its removal raises the quadratic model of the loss by its saliency L_B and changes the others by
delta w::

    L_B = v' (C_BB)^-1 v / 2     delta w = -C_:B (C_BB)^-1 v     C <- C - C_:B (C_BB)^-1 C_B:

With C_BB = R R', R z = v and l = C_:B R'^-1 these are, member by member, the steps of
`sklearn_obs.elimination.greedy`, those whose removal costs nothing first::

    L_B = z'z / 2                w <- w - l z                C <- C - l l'

so they are done in panels as well: the l of several removals are gathered in L, and until C is
brought up to date, C - L L' stands for it. Where C is block-diagonal, L_B is a sum over blocks, and
each block has a panel of its own. The groups of a block are priced together, in stacks of small
matrices.

A group that has weights in several blocks costs more, or less, than that sum: its units may lose
the same thing, or opposite ones. If a function is at hand that knows the *joint* saliencies, they
are asked for once, and each L_B is multiplied from then on by what it was wrong by at the start.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from sklearn_obs.elimination.greedy import PANEL, Elimination
from sklearn_obs.elimination.groups import Group, not_last, reached, side_by_side
from sklearn_obs.elimination.inverse_hessian import InverseHessian, inverted

STACKED = 2**22  # numbers in a stack of matrices, 32 MiB, unless a single one is larger

# the weights of a block, (m,); the groups that have some of them, (g,); delta w of each, (m, g)
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
    joint : callable, default=None
        Gets the updates of `group_updates` and returns the joint saliencies, (n_groups,). It is not
        called where all groups are in one block.

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
    """L_B of each group, of shape (n_groups,).

    Blocks are inverted one after the other, so that one inverse is held at a time.
    """
    parts = _parts(inverse_hessian, groups, weights.size)
    return _prices(parts, len(groups), weights, np.ones(weights.size, bool))


def group_updates(
    weights: np.ndarray, inverse_hessian: InverseHessian, groups: Sequence[Group]
) -> Iterator[Update]:
    """What the removal of each group alone changes: delta w, the weights of the group to 0.

    Yields
    ------
    (ndarray of shape (m,), ndarray of shape (g,), ndarray of shape (m, g))
        The weights of a block, the groups that have some of them, and by how much each of these
        changes them.
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
    """The blocks of C, inverted one by one as they are asked for.

    Without those in which no removal costs anything: nothing has to make up for it there.
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
    """The groups whose removal costs something, those of up to 1, 2, 4, ... members together."""
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
    """Where each weight is, (n,): in which block, and in which row of that block's C."""

    block: np.ndarray
    row: np.ndarray


@dataclass(frozen=True)
class _Stack:
    """Groups of about the same size in a block, one below the other."""

    group: np.ndarray  # (g,) which
    member: np.ndarray  # (g, k) their weights in this block, -1 beyond the last
    costs: np.ndarray  # (g, k) bool, whether the removal costs anything

    def among(self, some):
        """Some of the groups."""
        return _Stack(self.group[some], self.member[some], self.costs[some])


class _Part:
    """A block of C, its panel, and the groups that have weights in it."""

    def __init__(self, number, block, stacks, places):
        self._number, self._places, self._stacks = number, places, stacks
        self.index, self._C = block.index, block.inverse()
        self._begin()

    def _begin(self):
        """Begin a panel; C is up to date."""
        self._places.row[self.index] = np.arange(self.index.size)
        self._d = self._C.diagonal()  # of C - L L'
        self._panel, self._gone = np.empty((self.index.size, PANEL), order="F"), []

    @property
    def n_left(self):
        """How many weights are left here."""
        return self.index.size - len(self._gone)

    @property
    def _L(self):
        return self._panel[:, : len(self._gone)]

    def price(self, price, w, remains):
        """Add what the removal of each group costs here to `price`."""
        for stack in self._stacks:
            k = stack.member.shape[1]
            at_once = max(1, STACKED // k**2)
            for start in range(0, len(stack.group), at_once):
                some = stack.among(slice(start, start + at_once))
                there, row, v = self._at(some, w, remains)
                x = self._solved(there, row, v)
                price[some.group] += (v * x).sum(axis=1) / 2

    def updates(self, w, remains):
        """The groups that have weights here, (g,), and delta w of each, (n_here, g)."""
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
        """Where the groups of a stack have weights, in which rows, and v; each (g, k)."""
        there = (stack.member >= 0) & remains[stack.member]
        row = np.where(there, self._places.row[stack.member], 0)
        return there, row, np.where(there & stack.costs, w[stack.member], 0)

    def _solved(self, there, row, v):
        """(C_BB)^-1 v of each group, (g, k)."""
        if v.shape[1] == 1:
            return np.divide(v, self._d[row], out=np.zeros(v.shape), where=there)
        return np.linalg.solve(self._minors(row, there), v[..., None])[..., 0]

    def _minors(self, row, there):
        """C_BB of each group, (g, k, k), and the identity where there is no weight."""
        C_BB, L_B = self._C.minors(row), self._L[row]
        C_BB -= L_B @ L_B.transpose(0, 2, 1)
        return np.where(there[:, :, None] & there[:, None, :], C_BB, np.eye(row.shape[1]))

    def remove(self, group, w, z):
        """Remove what the group has here; `w` and `z` are changed where this block is."""
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
        l[self._gone] = 0  # which is rounding there, and large where C is
        w[self.index] -= l @ z[here]
        self._d -= np.einsum("ij,ij->i", l, l)
        self._panel[:, len(self._gone) : len(self._gone) + here.size] = l
        self._gone.extend(B.tolist())

    def _update(self, n_next):
        """Bring C up to date, with room for `n_next` removals in the panel that begins."""
        if self._gone:
            self._C = self._C.without(self._gone, factor=self._L, overwrite=True)
            self.index = np.delete(self.index, self._gone)
            self._begin()
        if n_next > PANEL:
            self._panel = np.empty((self.index.size, n_next), order="F")
