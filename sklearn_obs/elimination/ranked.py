"""Removal by a fixed score, lowest first, without adjusting the other weights.

All criteria but Optimal Brain Surgeon remove single weights or groups in this way.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from sklearn_obs.elimination.greedy import Elimination
from sklearn_obs.elimination.groups import Group, not_last, reached, side_by_side


def eliminate_ranked(
    weights: np.ndarray,
    score: np.ndarray,
    saliency: np.ndarray,
    n_remove: int,
    *,
    eligible: np.ndarray,
    freed: Callable[[int], ArrayLike],
    stops: Sequence[int] = (),
) -> Elimination:
    """Remove the weights of lowest score; those that become dead are set to 0 and follow.

    Ties are resolved to the lowest index.

    Parameters
    ----------
    weights, score, saliency : ndarray of shape (n,)
        `saliency` is recorded for the removed weights, and 0 for those that were dead.
    n_remove, eligible, freed, stops
        As in `sklearn_obs.elimination.eliminate`.

    Returns
    -------
    Elimination
    """
    queue = deque(i for i in np.argsort(score, kind="stable") if eligible[i])
    w, saliency = np.array(weights), saliency.astype(np.float64)
    next_up: deque[int] = deque()
    order: list[int] = []
    removed, earlier = np.zeros(score.size, bool), []
    while len(order) < n_remove:
        q = next_up.popleft() if next_up else queue.popleft()
        if removed[q]:
            continue
        removed[q] = True
        order.append(q)
        orphans = np.asarray(freed(int(q)), np.intp)
        orphans = orphans[~removed[orphans]]
        w[orphans], saliency[orphans] = 0, 0
        next_up.extend(i for i in orphans if eligible[i])
        if len(order) in stops:
            earlier.append((len(order), np.where(removed, 0, w)))
    w[order] = 0
    path = Elimination(np.array(order, np.intp), saliency[order], w)
    return replace(path, earlier=tuple(path.until(*stop) for stop in earlier))


def eliminate_groups_ranked(
    weights: np.ndarray,
    score: np.ndarray,
    saliency: np.ndarray,
    groups: Sequence[Group],
    n_remove: int,
    *,
    eligible: np.ndarray,
    stops: Sequence[int] = (),
) -> Elimination:
    """Remove the groups of lowest score, summed over the members whose removal costs something.

    Parameters
    ----------
    weights, score, saliency : ndarray of shape (n,)
        `saliency` is recorded for each such member, and 0 for the others.
    groups, n_remove, eligible, stops
        As in `sklearn_obs.elimination.eliminate_groups`.

    Returns
    -------
    Elimination

    Raises
    ------
    LastGroupError
        If every group that is left is the last of its layer.
    """
    w, saliency = np.array(weights), np.array(saliency)
    order: list[int] = []
    earlier: list[tuple[int, np.ndarray]] = []
    remains, there = np.ones(w.size, bool), np.ones(len(groups), bool)
    layer = np.array([group.layer for group in groups], int)
    member, costs, owner = side_by_side(groups)
    while len(order) < n_remove:
        able = not_last(layer, there)
        of_member = np.where(costs & remains[member], score[member], 0)
        total = np.bincount(owner, weights=of_member, minlength=len(groups))
        number = able[total[able].argmin()]
        chosen = groups[number].among(remains)
        order.extend(chosen.members[eligible[chosen.members]])
        saliency[chosen.members[~chosen.costs]] = 0
        w[chosen.members], remains[chosen.members], there[number] = 0, False, False
        earlier += reached(stops[len(earlier) :], len(order), w)
    path = Elimination(np.array(order, np.intp), saliency[order], w)
    return replace(path, earlier=tuple(path.until(*stop) for stop in earlier))
