"""The greedy path of a block-diagonal Hessian: blocks go their own ways, the path is a sort.

A block's removals neither change nor repair another block, so each has a greedy path of its own.
The global greedy order takes the blocks' heads, cheapest first. Saliencies along a path are not
monotone, but whatever is cheaper than a weight before it goes right after that weight, so the order
is that of the running maxima::

    order = stable argsort of concatenate(maximum.accumulate(saliency) for each block)

A tie goes to the lowest index among the weights that set the maxima.
"""

import os
from concurrent.futures import CancelledError
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import chain, groupby

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from scipy.linalg import LinAlgError

from sklearn_obs.elimination import Elimination, eliminate, repaired
from sklearn_obs.threads import one_blas_thread

AHEAD = 2  # a block's path is computed for this many times its share of the removals
SMALL_WORK = 1e8  # flops below which a plain loop is faster than workers
MARGIN = 16  # and for so many more
ATTEMPTS = 3  # with workers that die
CHUNKS = 16  # that a worker gets, so that none waits long for the last
FEW = 8  # blocks whose inverses are held; of more blocks, only what their paths need is


def eliminate_blocks(weights, parts, n_remove, *, eligible=None, freed=None, stops=(), n_jobs=None):
    """`eliminate` for a block-diagonal Hessian.

    Parameters
    ----------
    weights : ndarray of shape (n,)
    parts : sequence
        The blocks: values with `index`, ascending positions in `weights`, a `task` for a worker,
        with `name` and ``inverse(shared)``, and `shared`, what that is to be handed.
    n_remove, eligible, freed, stops
        As in `eliminate`.
    n_jobs : int, default=None
        Workers, as in joblib. Results do not depend on it.

    Returns
    -------
    Elimination

    Raises
    ------
    numpy.linalg.LinAlgError
        If a block cannot be inverted; the message names it.
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
    with one_blas_thread():
        blocks = _start(parts, weights, may_go, share, n_jobs)
        order, saliency, at = _merge(blocks, weights, n_remove, freed, stops)
        path = Elimination(order, saliency, _standing(blocks, weights, order))
    earlier = tuple(path.until(*stop) for stop in zip(stops, at, strict=True))
    return replace(path, earlier=earlier)


def held_bytes(sizes, n_remove):
    """What blocks of these sizes hold while `n_remove` of all their weights go."""
    sizes = np.asarray(sizes, np.float64)
    if sizes.size <= FEW:
        return 8 * float(sizes @ sizes)
    share = AHEAD * n_remove / max(sizes.sum(), 1)
    return 8 * float(sizes @ np.minimum(sizes, np.ceil(share * sizes) + MARGIN))


def _start(parts, weights, may_go, share, n_jobs):
    hold = len(parts) <= FEW
    tasks = [(part, weights[part.index], may_go[part.index], share, hold) for part in parts]
    n_workers = effective_n_jobs(n_jobs)
    flops = sum(part.index.size**3 for part in parts)
    if n_workers == 1 or len(parts) == 1 or flops < SMALL_WORK:
        paths = [_path_of(part.shared, part.task, *rest) for part, *rest in tasks]
    else:
        paths = _elsewhere(tasks, hold, n_jobs, n_workers)
    return [_Block(*task, *path) for task, path in zip(tasks, paths, strict=True)]


def _elsewhere(tasks, hold, n_jobs, n_workers):
    """The tasks' paths, from workers.

    A cluster runs the tasks of a worker that dies again elsewhere. But what joblib has put on that
    worker alone, for it and others to share, is lost and cancels their tasks: then all start anew.
    """
    prefer = "threads" if hold else "processes"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            done = Parallel(n_jobs=n_jobs, prefer=prefer, batch_size=1)(
                delayed(_in_worker)(os.getpid(), shared, chunk)
                for shared, chunk in _chunks(tasks, n_workers)
            )
        except CancelledError:
            if attempt == ATTEMPTS:
                raise
        else:
            return chain.from_iterable(done)


def _chunks(tasks, n_workers):
    """Runs of tasks that share an array, which is sent, or mapped, once a run."""
    n_most = max(1, len(tasks) // (CHUNKS * n_workers))
    for _, run in groupby(tasks, key=lambda task: id(task[0].shared)):
        run = list(run)
        for start in range(0, len(run), n_most):
            chunk = [(part.task, *rest) for part, *rest in run[start : start + n_most]]
            yield run[0][0].shared, chunk


@contextmanager
def _naming(name):
    try:
        yield
    except LinAlgError as error:
        raise LinAlgError(f"{name}: {error}") from error


def _in_worker(parent, shared, chunk):
    # threads share the caller's limit; a process has BLAS threads of its own
    with nullcontext() if os.getpid() == parent else one_blas_thread():
        return [_path_of(shared, *task) for task in chunk]


def _path_of(shared, task, weights, may_go, share, hold):
    """A block's path, with its inverse or with those columns of it that the path removes."""
    with _naming(task.name):
        inverse = task.inverse(shared)
        path = _path(weights, inverse, may_go, share)
    return path, inverse if hold else None, None if hold else inverse.columns(path.order)


def _path(weights, inverse, may_go, share):
    n_eligible = np.count_nonzero(may_go)
    n_path = min(n_eligible, int(np.ceil(share * n_eligible)) + MARGIN)
    return eliminate(weights, inverse, n_path, eligible=may_go)


class _Block:
    """One block's path, and how much of it has been taken."""

    def __init__(self, part, weights, may_go, share, hold, path, inverse, columns):
        self.part, self.index = part, part.index
        self.weights, self.may_go, self.share, self.hold = weights, may_go, share, hold
        self.path, self.inverse, self.columns = path, inverse, columns
        self.n_taken = 0

    def cut_short(self):
        """Whether all of the path is taken, but not all of the weights that may go."""
        n = self.path.order.size
        return self.n_taken == n < np.count_nonzero(self.may_go)

    def weights_now(self):
        """The weights of `index`, 0 where the path has removed them."""
        if not self.n_taken or not self.weights.any():
            return self.weights
        removed = self.path.order[: self.n_taken]
        if self.hold:
            return repaired(self.weights, self.inverse.columns(removed), removed)
        return repaired(self.weights, self.columns[:, : self.n_taken], removed)

    def go_on(self, orphans):
        """A new path from here on, the weights `orphans` (positions in all) being 0."""
        removed = self.path.order[: self.n_taken]
        rest = np.delete(np.arange(self.index.size), removed)
        self.weights = self.weights_now()[rest]
        self.index, self.may_go = self.index[rest], self.may_go[rest]
        self.weights[np.isin(self.index, orphans)] = 0
        self.n_taken = 0
        if not self.weights.any():  # they go in their order, at no cost, and repair nothing
            (order,) = np.nonzero(self.may_go)
            self.path = Elimination(order, np.zeros(order.size), self.weights)
            return
        with _naming(self.part.task.name):
            if self.hold:
                inverse = self.inverse = self.inverse.without(removed)
            else:
                (gone,) = np.nonzero(np.isin(self.part.index, self.index, invert=True))
                inverse = self.part.inverse().without(gone, overwrite=True)
            self.path = _path(self.weights, inverse, self.may_go, self.share)
        if not self.hold:
            self.columns = inverse.columns(self.path.order)


def _merge(blocks, weights, n_remove, freed, stops):
    """Order, saliencies, and the weights at each of `stops`."""
    order = np.empty(n_remove, np.intp)
    saliency = np.empty(n_remove)
    owner = np.empty(weights.size, np.intp)
    for number, block in enumerate(blocks):
        owner[block.index] = number
    n_done, at = 0, []
    while n_done < n_remove:
        n_next = (*stops, n_remove)[len(at)]
        for number, step in _heads(blocks, n_next - n_done):
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
        if n_done == n_next < n_remove:
            at.append(_standing(blocks, weights, order[:n_done]))
    return order, saliency, at


def _standing(blocks, weights, removed):
    """The weights as they stand, 0 where removed."""
    standing = weights.astype(np.float64)
    for block in blocks:
        standing[block.index] = block.weights_now()
    standing[removed] = 0
    return standing


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
