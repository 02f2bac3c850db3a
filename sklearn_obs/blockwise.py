"""The greedy path of a block-diagonal Hessian: blocks go their own ways, the path is a sort.

A block's removals neither change nor repair another block, so each has a greedy path of its own.
The global greedy order takes the blocks' heads, cheapest first. Saliencies along a path are not
monotone, but whatever is cheaper than a weight before it goes right after that weight, so the order
is that of the running maxima::

    order = stable argsort of concatenate(maximum.accumulate(saliency) for each block)

A tie goes to the lowest index among the weights that set the maxima.
"""

import os
from contextlib import nullcontext

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from threadpoolctl import threadpool_limits

from sklearn_obs.elimination import Elimination, eliminate, repaired

AHEAD = 4  # a block's path is computed for this many times its share of the removals
SMALL_WORK = 1e8  # flops below which a plain loop is faster than workers


def eliminate_blocks(weights, parts, n_remove, *, eligible=None, freed=None, n_jobs=None):
    """`eliminate` for a block-diagonal Hessian.

    Parameters
    ----------
    weights : ndarray of shape (n,)
    parts : sequence
        The blocks: values with `index`, ascending positions in `weights`, and `inverse()`.
    n_remove, eligible, freed
        As in `eliminate`.
    n_jobs : int, default=None
        Workers, as in joblib. Results do not depend on it.

    Returns
    -------
    Elimination
    """
    weights = np.asarray(weights)
    may_go = np.ones(weights.shape, bool) if eligible is None else np.asarray(eligible, bool)
    n_eligible = int(np.count_nonzero(may_go))
    if not 0 <= n_remove <= n_eligible:
        raise ValueError(
            f"Got n_remove={n_remove}, but expected 0 <= n_remove <= {n_eligible}, "
            "the number of eligible weights."
        )
    share = AHEAD * n_remove / max(n_eligible, 1)
    # one BLAS thread everywhere: blocks are small, and sums must not depend on the workers
    with threadpool_limits(1):
        blocks = _start(parts, weights, may_go, share, n_jobs)
        order, saliency = _merge(blocks, n_remove, freed, weights.size)
        result = weights.astype(saliency.dtype)
        for block in blocks:
            result[block.index] = block.weights_now()
    result[order] = 0
    return Elimination(order, saliency, result)


def _start(parts, weights, may_go, share, n_jobs):
    tasks = [(part, weights[part.index], may_go[part.index], share) for part in parts]
    flops = sum(part.index.size**3 for part in parts)
    if effective_n_jobs(n_jobs) == 1 or len(tasks) == 1 or flops < SMALL_WORK:
        return [_Block(*_invert_and_eliminate(*task)) for task in tasks]
    done = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_in_worker)(os.getpid(), *task) for task in tasks
    )
    return [_Block(*block) for block in done]


def _in_worker(parent, *task):
    # threads share the caller's limit; a process has BLAS threads of its own
    with nullcontext() if os.getpid() == parent else threadpool_limits(1):
        return _invert_and_eliminate(*task)


def _invert_and_eliminate(part, weights, may_go, share):
    inverse = part.inverse()
    return part.index, weights, may_go, share, inverse, _path(weights, inverse, may_go, share)


def _path(weights, inverse, may_go, share):
    n_eligible = np.count_nonzero(may_go)
    n_path = min(n_eligible, int(np.ceil(share * n_eligible)) + 16)
    return eliminate(weights, inverse, n_path, eligible=may_go)


class _Block:
    """One block's path, and how much of it has been taken."""

    def __init__(self, index, weights, may_go, share, inverse, path):
        self.index, self.weights, self.may_go, self.share = index, weights, may_go, share
        self.inverse, self.path, self.n_taken = inverse, path, 0

    def cut_short(self):
        """Whether all of the path is taken, but not all of the weights that may go."""
        n = self.path.order.size
        return self.n_taken == n < np.count_nonzero(self.may_go)

    def weights_now(self):
        return repaired(self.weights, self.inverse, self.path.order[: self.n_taken])

    def go_on(self, orphans):
        """A new path from here on, the weights `orphans` (positions in all) being 0."""
        gone = self.path.order[: self.n_taken]
        rest = np.delete(np.arange(self.index.size), gone)
        self.weights = self.weights_now()[rest]
        self.inverse = self.inverse.without(gone)
        self.index, self.may_go = self.index[rest], self.may_go[rest]
        self.weights[np.isin(self.index, orphans)] = 0
        self.path = _path(self.weights, self.inverse, self.may_go, self.share)
        self.n_taken = 0


def _merge(blocks, n_remove, freed, n_weights):
    order = np.empty(n_remove, np.intp)
    saliency = np.empty(n_remove)
    owner = np.empty(n_weights, np.intp)
    for number, block in enumerate(blocks):
        owner[block.index] = number
    n_done = 0
    while n_done < n_remove:
        for number, step in _heads(blocks, n_remove - n_done):
            block = blocks[number]
            q = block.index[block.path.order[step]]
            order[n_done], saliency[n_done] = q, block.path.saliency[step]
            n_done += 1
            block.n_taken += 1
            orphans = np.asarray(freed(int(q)) if freed is not None else (), np.intp)
            for other in np.unique(owner[orphans]):
                blocks[other].go_on(orphans)
            if block.cut_short():
                block.go_on(orphans)
            elif not orphans.size:
                continue
            break  # a path has changed: sort again
    return order, saliency


def _heads(blocks, n_next):
    """(block, step of its path) in the global greedy order, as far as the paths are known."""
    keys = []
    for number, block in enumerate(blocks):
        s = block.path.saliency[block.n_taken :]
        steps = np.arange(block.n_taken, block.n_taken + s.size)
        running = np.maximum.accumulate(s)
        setter = np.maximum.accumulate(np.where(s == running, np.arange(s.size), 0))
        index = block.index[block.path.order[steps]]
        keys.append((steps, index[setter], running, np.full(s.size, number)))
    steps, setters, running, numbers = map(np.concatenate, zip(*keys, strict=True))
    first = np.lexsort((steps, setters, running))[:n_next]
    return zip(numbers[first].tolist(), steps[first].tolist(), strict=True)
