"""Greedy removal for a block-diagonal Hessian: the paths of the blocks, merged by a sort.

A removal changes only its own block, so each block has its own greedy sequence of removals, called
its path. The global order takes the path whose next saliency is lowest. Saliencies may fall along a
path, but then the lower one follows at once, so the global order is a sort by running maxima::

    order = stable argsort of concatenate(maximum.accumulate(saliency) for each block)

A tie is resolved to the lowest index among the weights that set the maxima.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, groupby

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError

from sklearn_obs.elimination.greedy import Elimination, all_at_once, eliminate
from sklearn_obs.elimination.grid import Grid, among
from sklearn_obs.elimination.inverse_hessian import Block
from sklearn_obs.elimination.stacked import eliminate_stacked
from sklearn_obs.machine import one_blas_thread

AHEAD = 2  # a block's path is computed for this many times its share of the removals
SMALL_WORK = 1e8  # flops below which a plain loop is faster than workers
MARGIN = 16  # and for this many removals more
ATTEMPTS = 3  # if workers die
CHUNKS = 16  # for each worker, so that none waits long for the last chunk
HELD = 8  # up to this many blocks keep their inverses; more keep columns of removed weights
# Up to STACK blocks of up to STACKED_SIZE weights are eliminated in one loop; for larger ones, the
# arithmetic of a removal takes longer than the calls
STACKED_SIZE, STACK = 256, 64


def eliminate_blocks(
    weights: np.ndarray,
    blocks: Sequence[Block],
    n_remove: int,
    *,
    eligible: np.ndarray | None = None,
    freed: Callable[[int], ArrayLike] | None = None,
    stops: Sequence[int] = (),
    n_jobs: int | None = None,
    grid: Grid | None = None,
) -> Elimination:
    """`eliminate` for a block-diagonal Hessian.

    Parameters
    ----------
    weights : ndarray of shape (n,)
    blocks : sequence of Block
        Together they cover all weights once.
    n_remove, eligible, freed, stops, grid
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
    removable = np.ones(weights.shape, bool) if eligible is None else np.asarray(eligible, bool)
    n_eligible = int(np.count_nonzero(removable))
    if not 0 <= n_remove <= n_eligible:
        raise ValueError(
            f"Got n_remove={n_remove}, but expected 0 <= n_remove <= {n_eligible}, "
            "the number of eligible weights."
        )
    share = AHEAD * n_remove / max(n_eligible, 1)
    # one BLAS thread everywhere: blocks are small, and sums must not depend on n_jobs
    with one_blas_thread():
        paths = _start(blocks, weights, removable, grid, share, n_jobs)
        order, saliency, at = _merge(paths, weights, n_remove, freed, stops)
        path = Elimination(order, saliency, _standing(paths, weights))
    earlier = tuple(path.until(*stop) for stop in zip(stops, at, strict=True))
    return replace(path, earlier=earlier)


def held_bytes(layers: Sequence[np.ndarray], n_remove: int, n_jobs: int = 1) -> float:
    """Bytes that are kept for the blocks while `n_remove` of all their weights are removed.

    `layers` has the sizes of the blocks of each layer, which share an array. In addition to what is
    kept for all blocks, each of `n_jobs` workers keeps the stack of small ones that it works on.
    """
    sizes = np.concatenate(layers).astype(np.float64)
    if sizes.size <= HELD:
        return 8 * float(sizes @ sizes)
    share = AHEAD * n_remove / max(sizes.sum(), 1)

    def lengths(sizes):
        return np.minimum(sizes, np.ceil(share * sizes) + MARGIN)

    def stack(sizes):  # inverses, their copies padded to the largest size, and factors
        p = np.sort(sizes[sizes <= STACKED_SIZE])[-STACK:].astype(np.float64)
        return float(p @ p + p.size * p.max(initial=0) * (p + lengths(p)).max(initial=0))

    return 8 * (float(sizes @ lengths(sizes)) + n_jobs * max(map(stack, layers)))


def _start(blocks, weights, removable, grid, share, n_jobs):
    hold = len(blocks) <= HELD
    places = [block.index for block in blocks]
    parts = [(weights[i], removable[i], among(grid, i), share, hold) for i in places]
    tasks = [(block, *part) for block, part in zip(blocks, parts, strict=True)]
    n_workers = effective_n_jobs(n_jobs)
    flops = sum(block.index.size**3 for block in blocks)
    stacks = _stacks(tasks, hold)
    if n_workers == 1 or len(blocks) == 1 or flops < SMALL_WORK:
        paths = [path for shared, stack in stacks for path in _paths_of(shared, stack)]
    else:
        paths = _elsewhere(stacks, hold, n_jobs, n_workers)
    return [_BlockPath(*task, *path) for task, path in zip(tasks, paths, strict=True)]


def _stacks(tasks, hold):
    """Lists of tasks that share an array and are computed together: of small blocks, or of one.

    They do not depend on the number of workers, so neither do padding and rounding.
    """
    stacks = []
    for block, *rest in tasks:
        small = not hold and block.index.size <= STACKED_SIZE
        shared, stack, open_ = stacks[-1] if stacks else (None, [], False)
        if small and open_ and shared is block.shared and len(stack) < STACK:
            stack.append((block.task, *rest))
        else:
            stacks.append((block.shared, [(block.task, *rest)], small))
    return [(shared, stack) for shared, stack, _ in stacks]


def _elsewhere(stacks, hold, n_jobs, n_workers):
    """The paths of the stacks' tasks, computed by workers.

    If a worker of a cluster dies, its tasks are run again elsewhere. But shared arrays that joblib
    had put on that worker alone are lost, which cancels tasks: then all tasks are started again.
    """
    prefer = "threads" if hold else "processes"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            done = Parallel(n_jobs=n_jobs, prefer=prefer, batch_size=1)(
                delayed(_in_worker)(shared, chunk) for shared, chunk in _chunks(stacks, n_workers)
            )
        except CancelledError:
            if attempt == ATTEMPTS:
                raise
        else:
            return chain.from_iterable(done)


def _chunks(stacks, n_workers):
    """Yield chunks of stacks that share an array, which is sent or mapped once for each chunk."""
    n_most = max(1, len(stacks) // (CHUNKS * n_workers))
    for _, run in groupby(stacks, key=lambda stack: id(stack[0])):
        run = list(run)
        for start in range(0, len(run), n_most):
            yield run[0][0], [stack for _, stack in run[start : start + n_most]]


@contextmanager
def _naming(name):
    try:
        yield
    except LinAlgError as error:
        raise LinAlgError(f"{name}: {error}") from error


def _in_worker(shared, chunk):
    with one_blas_thread():  # in the worker's process
        return [path for stack in chunk for path in _paths_of(shared, stack)]


def _paths_of(shared, stack):
    """A list with the result of `_path_of` for each task of a stack."""
    if len(stack) > 1:
        try:
            return _paths_in_step(shared, stack)
        except LinAlgError:  # do them one by one, to name the block
            pass
    return [_path_of(shared, *task) for task in stack]


def _paths_in_step(shared, stack):
    inverses = [task.inverse(shared) for task, *_ in stack]
    weights, removable = [task[1] for task in stack], [task[2] for task in stack]
    grids = None if stack[0][3] is None else [task[3] for task in stack]
    n_paths = [_length(task[2], task[4]) for task in stack]
    found = eliminate_stacked(weights, inverses, n_paths, eligible=removable, grids=grids)
    return [(path, None, columns) for path, columns in found]


def _path_of(shared, task, weights, removable, grid, share, hold):
    """The path of a block; its inverse, if held; otherwise its columns for removed weights."""
    with _naming(task.name):
        inverse = task.inverse(shared)
        path = _path(weights, inverse, removable, grid, share)
    return path, inverse if hold else None, None if hold else inverse.columns(path.order)


def _path(weights, inverse, removable, grid, share):
    return eliminate(weights, inverse, _length(removable, share), eligible=removable, grid=grid)


def _length(removable, share):
    """The number of removals of a block for which its path is computed ahead."""
    n_eligible = np.count_nonzero(removable)
    return min(n_eligible, int(np.ceil(share * n_eligible)) + MARGIN)


class _BlockPath:
    """The path of one block, and how many of its removals have been taken."""

    def __init__(self, block, weights, removable, grid, share, hold, path, inverse, columns):
        self.block, self.index, self.share, self.hold = block, block.index, share, hold
        self.weights, self.removable, self.grid = weights, removable, grid
        self.path, self.inverse, self.columns, self.n_taken = path, inverse, columns, 0
        self.settled = []  # (positions, values) of weights removed before this path

    def cut_short(self):
        """Whether the path is used up, but more weights of the block may be removed."""
        n = self.path.order.size
        return self.n_taken == n < np.count_nonzero(self.removable)

    def weights_now(self):
        """The weights of `index` after the removals taken so far (0 or on the grid)."""
        if not self.n_taken or not self.weights.any():
            return self.weights
        removed = self.path.order[: self.n_taken]
        values = self.path.weights[removed]  # final: they do not change later
        if self.hold:
            return all_at_once(self.weights, self.inverse.columns(removed), removed, values)
        return all_at_once(self.weights, self.columns[:, : self.n_taken], removed, values)

    def go_on(self, orphans):
        """Start a new path here, with `orphans` (positions among all weights) set to 0."""
        removed = self.path.order[: self.n_taken]
        self.settled.append((self.index[removed], self.path.weights[removed]))
        rest = np.delete(np.arange(self.index.size), removed)
        self.weights = self.weights_now()[rest]
        self.index, self.removable = self.index[rest], self.removable[rest]
        self.grid = among(self.grid, rest)
        self.weights[np.isin(self.index, orphans)] = 0
        self.n_taken = 0
        if not self.weights.any():  # they are removed in order of index, at no cost
            (order,) = np.nonzero(self.removable)
            self.path = Elimination(order, np.zeros(order.size), self.weights)
            return
        with _naming(self.block.task.name):
            if self.hold:
                inverse = self.inverse = self.inverse.without(removed)
            else:
                (before,) = np.nonzero(np.isin(self.block.index, self.index, invert=True))
                inverse = self.block.inverse().without(before)
            self.path = _path(self.weights, inverse, self.removable, self.grid, self.share)
        if not self.hold:
            self.columns = inverse.columns(self.path.order)


def _merge(paths, weights, n_remove, freed, stops):
    """The global order, its saliencies, and the weights after each of `stops`."""
    order = np.empty(n_remove, np.intp)
    saliency = np.empty(n_remove)
    owner = np.empty(weights.size, np.intp)
    for number, path in enumerate(paths):
        owner[path.index] = number
    n_done, at = 0, []
    while n_done < n_remove:
        n_next = (*stops, n_remove)[len(at)]
        for number, step in _heads(paths, n_next - n_done):
            mine = paths[number]
            q = mine.index[mine.path.order[step]]
            order[n_done], saliency[n_done] = q, mine.path.saliency[step]
            n_done += 1
            mine.n_taken += 1
            orphans = np.asarray(freed(int(q)) if freed is not None else (), np.intp)
            for other in np.unique(owner[orphans]):
                paths[other].go_on(orphans)
            if mine.cut_short():
                mine.go_on(orphans)
            elif not orphans.size:
                continue
            break  # a path has changed: sort again
        if n_done == n_next < n_remove:
            at.append(_standing(paths, weights))
    return order, saliency, at


def _standing(paths, weights):
    """The present weights of all blocks (0 or on the grid where removed)."""
    standing = weights.astype(np.float64)
    for path in paths:
        standing[path.index] = path.weights_now()
        for index, values in path.settled:
            standing[index] = values
    return standing


def _heads(paths, n_next):
    """(block, step of its path) in the global greedy order, as far as paths are computed."""
    keys = []
    for number, mine in enumerate(paths):
        s = mine.path.saliency[mine.n_taken :]
        steps = np.arange(mine.n_taken, mine.n_taken + s.size)
        running = np.maximum.accumulate(s)
        setter = np.maximum.accumulate(np.where(s == running, np.arange(s.size), 0))
        index = mine.index[mine.path.order[steps]]
        keys.append((steps, index[setter], running, np.full(s.size, number)))
    steps, setters, running, numbers = map(np.concatenate, zip(*keys, strict=True))
    first = np.lexsort((steps, setters, running))[:n_next]
    return zip(numbers[first].tolist(), steps[first].tolist(), strict=True)
