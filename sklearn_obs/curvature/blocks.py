"""Block-diagonal curvature: H keeps its blocks, and each is inverted by itself.

One block per receiving unit j, its incoming weights and intercept, which share the signal of j::

    H_j = A' diag(d_j) A         d_j[t] = sum_k s[t, k, j]^2         A = the inputs still read

or one block per layer, the curvature of its weights alone. Blocks are built, inverted and
eliminated where they are needed, by workers: see `sklearn_obs.blockwise`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sklearn_obs.blockwise import held_bytes
from sklearn_obs.curvature.dense import dense_bytes, dense_inverse, inverse_of
from sklearn_obs.curvature.factors import squared_signals
from sklearn_obs.curvature.gauss_newton import positions
from sklearn_obs.curvature.kinds import FACTORED, KINDS
from sklearn_obs.curvature.structure import Structure


@dataclass(frozen=True)
class Task:
    """What a worker needs to know of a block."""

    name: str  # for messages
    build: Callable  # of a module, so that it can be sent: (shared, *arguments) -> inverse
    arguments: tuple = ()

    def inverse(self, shared):
        """The inverse Hessian of the block."""
        return self.build(shared, *self.arguments)


@dataclass(frozen=True)
class Part:
    """One block, not inverted yet."""

    index: np.ndarray  # (p,) ascending positions of its weights among all
    task: Task
    shared: object  # what its task has in common with its neighbours', sent once

    def inverse(self):
        """The inverse Hessian of the block."""
        return self.task.inverse(self.shared)


class BlockInverse:
    """The inverse of a block-diagonal matrix.

    Parameters
    ----------
    parts : sequence
        One value a block, with `index`, the ascending positions of its weights among all of them,
        and `inverse()`, their inverse Hessian. Together they cover 0, ..., n - 1 once.

    Attributes
    ----------
    size : int
        n.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_obs.curvature import BlockInverse, FullInverse, inverted
    >>> one, two = FullInverse(np.array([[4.0]])), FullInverse(np.diag([1.0, 2.0]))
    >>> C = BlockInverse([inverted(np.array([1]), one), inverted(np.array([0, 2]), two)])
    >>> C.diagonal()
    array([1.  , 0.25, 0.5 ])
    """

    def __init__(self, parts):
        self._parts = list(parts)
        self.size = sum(part.index.size for part in self._parts)

    def parts(self):
        """The blocks, to be eliminated apart."""
        return self._parts

    @cached_property
    def _inverses(self):
        return [part.inverse() for part in self._parts]

    def diagonal(self):
        diagonal = np.empty(self.size)
        for part, inverse in zip(self._parts, self._inverses, strict=True):
            diagonal[part.index] = inverse.diagonal()
        return diagonal

    @cached_property
    def _places(self):
        """Position -> the number of its block, and the position there."""
        block, local = np.empty(self.size, np.intp), np.empty(self.size, np.intp)
        for number, part in enumerate(self._parts):
            block[part.index], local[part.index] = number, np.arange(part.index.size)
        return block, local

    def columns(self, indices, rows=None):
        block, local = self._places
        indices = np.asarray(indices, np.intp)
        n_rows = self.size if rows is None else len(rows)
        columns = np.zeros((n_rows, indices.size))
        for number in np.unique(block[indices]):
            (mine,) = np.nonzero(block[indices] == number)
            inverse, some = self._inverses[number], local[indices[mine]]
            if rows is None:
                columns[np.ix_(self._parts[number].index, mine)] = inverse.columns(some)
            else:
                (here,) = np.nonzero(block[rows] == number)
                columns[np.ix_(here, mine)] = inverse.columns(some, local[np.take(rows, here)])
        return columns

    def without(self, removed, *, factor=None, overwrite=False):
        rest = np.delete(np.arange(self.size), removed)
        new = []
        for part, inverse in zip(self._parts, self._inverses, strict=True):
            (local,) = np.nonzero(np.isin(part.index, removed))
            index = np.searchsorted(rest, np.delete(part.index, local))
            new.append(inverted(index, inverse.without(local, overwrite=overwrite)))
        return BlockInverse(new)


def inverted(index, inverse):
    """A `Part` whose inverse is there."""
    return Part(index, Task("a block", _itself), inverse)


def _itself(inverse):
    return inverse


def unit_inverse(inputs, reads, d, ridge):
    """The inverse of the block of one receiving unit.

    Parameters
    ----------
    inputs : ndarray of shape (n, n_inputs)
        The layer's, shared by its units.
    reads : ndarray of shape (p,), int, ascending
        The columns of `inputs` that belong to the unit's weights.
    d : ndarray of shape (n,)
        sum_k s[t, k, j]^2.
    ridge : ndarray of shape (p,)
        Penalty and damping.
    """
    (heard,) = np.nonzero(d)  # a relu that is off in a row adds nothing
    root = np.sqrt(d[heard])[:, None]

    def matrix(dtype):
        A = inputs[heard].astype(dtype, copy=False)
        if reads.size < A.shape[1]:
            A = A.take(reads, axis=1)
        A *= root
        return A.T @ A  # numpy calls syrk here

    return inverse_of(matrix, ridge, inputs.dtype)


def unit_name(layer, unit):
    """What messages call the block of a unit."""
    return f"the block of unit {unit} in layer {layer + 1}"


def unit_blocks(measurement, keep, ridge):
    """One block per receiving unit."""
    n, dtype = measurement.n_rows, measurement.dtype
    indices = [positions(measurement.network, keep)[i] for i in measurement.network.index]
    read = [np.flatnonzero((i >= 0).any(axis=1)) for i in indices]  # by some unit of the layer
    inputs = [np.empty((n, some.size), dtype) for some in read]
    d = [np.empty((i.shape[1], n), dtype) for i in indices]

    def keep_batch(rows, layers):
        for layer, factors in enumerate(layers):
            inputs[layer][rows] = factors.inputs[:, read[layer]]
            d[layer][:, rows] = squared_signals(factors).T

    deque(measurement.over_batches(keep_batch), maxlen=0)
    parts = []
    for layer, index in enumerate(indices):
        for unit, column in enumerate(index[read[layer]].T):
            (reads,) = np.nonzero(column >= 0)
            if reads.size:
                i = column[reads]
                arguments = (reads, d[layer][unit], ridge[i])
                task = Task(unit_name(layer, unit), unit_inverse, arguments)
                parts.append(Part(i, task, inputs[layer]))
    return BlockInverse(parts)


def layer_blocks(measurement, keep, ridge):
    """One block per layer."""
    position, parts = positions(measurement.network, keep), []
    measurement = replace(measurement, n_jobs=1)  # blocks are what workers share
    for layer, flat in enumerate(measurement.network.index):
        index = np.sort(position[flat].ravel())
        index = index[index >= 0]
        if index.size:
            arguments = (keep[index], ridge[index])
            task = Task(f"the block of layer {layer + 1}", dense_inverse, arguments)
            parts.append(Part(index, task, measurement))
    return BlockInverse(parts)


def _unit_bytes(extent):
    sizes = np.sort(np.concatenate(extent.units))[::-1]
    shared = extent.n_rows * (sum(extent.n_inputs) + sizes.size) * extent.itemsize
    row_bytes = 2 * extent.n_rows * extent.itemsize
    working = sum(p * (16 * p + row_bytes) for p in sizes[: extent.n_jobs])
    return shared + working + held_bytes(sizes, extent.n_remove)


def _layer_bytes(extent):
    layers = [
        dense_bytes(replace(extent, units=(units,), n_inputs=(n_inputs,)))
        for units, n_inputs in zip(extent.units, extent.n_inputs, strict=True)
    ]
    working = sum(sorted(layers)[-extent.n_jobs :])
    return working + held_bytes([units.sum() for units in extent.units], extent.n_remove)


UNIT = Structure(unit_blocks, _unit_bytes, FACTORED)
LAYER = Structure(layer_blocks, _layer_bytes, tuple(KINDS))
