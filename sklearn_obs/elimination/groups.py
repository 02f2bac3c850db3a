"""Groups of weights that are removed as a whole: a hidden unit, an input, or several inputs.

The group of an *input* has its outgoing weights, and the removal of each costs something. The group
of a hidden *unit* has its outgoing weights, its incoming weights and its intercept. Once the
outgoing weights are removed, the others are dead: their removal costs nothing, and no other weight
has to compensate for it.

The last group of a layer is never removed, because nothing would be left of the network without it.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sklearn_obs.network import Layout


@dataclass(frozen=True)
class Group:
    """Weights that are removed together, as positions in the array of weights."""

    members: np.ndarray  # (k,) positions; those whose removal costs nothing come first
    costs: np.ndarray  # (k,) bool, whether the removal of a member costs anything
    layer: int  # of the unit; 0 for inputs

    def among(self, remains: np.ndarray) -> "Group":
        """The same group, with only those members that remain."""
        there = remains[self.members]
        return replace(self, members=self.members[there], costs=self.costs[there])


class LastGroupError(ValueError):
    """Only the last group of each layer is left, which must not be removed."""


def groups_of(
    granularity: str,
    layout: Layout,
    position: np.ndarray,
    variables: Sequence[np.ndarray] | None = None,
) -> list[Group]:
    """The groups of a network: every 'unit' of the hidden layers, or every 'input'.

    Parameters
    ----------
    granularity : {'unit', 'input'}
    layout : Layout
    position : ndarray of shape (n_parameters,), int
        The position of each parameter in the array of weights, -1 if it is not in it.
    variables : sequence of ndarray of int, default=None
        The inputs that are removed together. By default, each input is a group of its own.

    Returns
    -------
    list of Group
        The groups with a weight whose removal costs something, that is, an outgoing one.
    """
    index = [position[i] for i in layout.index]
    if granularity == "input":
        each = range(layout.units[0]) if variables is None else variables
        pairs = [(0, (), index[0][inputs].ravel()) for inputs in each]
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


def least_left(
    granularity: str, layout: Layout, variables: Sequence[np.ndarray] | None = None
) -> np.ndarray:
    """The mask, (n_parameters,), when only the largest group of each layer is left."""
    mask = np.ones(layout.n_parameters, bool)
    if granularity == "input":
        largest = 0 if variables is None else max(variables, key=len)
        mask[layout.index[0][:-1]] = False
        mask[layout.index[0][largest]] = True
        return mask
    for layer, index in enumerate(layout.index):
        if layer:
            mask[index[1:-1]] = False
        if layer < layout.n_layers - 1:
            mask[index[:, 1:]] = False
    return mask


def reached(stops, n_removed, w):
    """A list that has (n_removed, w) once for each of the `stops` that are reached."""
    return [(n_removed, w.copy())] * sum(stop <= n_removed for stop in stops)


def side_by_side(groups: Sequence[Group]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The members of all groups, whether removing them costs anything, and their groups."""
    sizes = [group.members.size for group in groups]
    nothing = np.empty(0, np.intp)
    member = np.concatenate([nothing, *(group.members for group in groups)])
    costs = np.concatenate([nothing, *(group.costs for group in groups)]).astype(bool)
    return member, costs, np.repeat(np.arange(len(groups)), sizes)


def useless(groups, removed):
    """A list of the members of any group that are dead once `removed` has been removed."""
    gone = set(np.asarray(removed).tolist())
    return [
        member
        for group in groups
        if gone.issuperset(group.members[group.costs].tolist())
        for member in group.members[~group.costs].tolist()
    ]


def not_last(layer: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The numbers of the groups that are `there` and are not the last of their layer.

    Raises
    ------
    LastGroupError
        If there is no such group.
    """
    left = np.bincount(layer[there], minlength=1)
    found = np.flatnonzero(there)
    found = found[left[layer[found]] > 1]
    if not found.size:
        raise LastGroupError("the last groups of their layers are all that is left")
    return found
