"""Block-diagonal curvature: only the blocks of H are kept, and each is inverted by itself.

Structure "unit" has one block for each receiving unit j. It covers the incoming weights and the
intercept of j, which share the signal of j::

    H_j = A' diag(d_j) A         d_j[t] = sum_k s[t, k, j]^2

where A has the inputs whose weights into j remain. Structure "layer" has one block for each layer,
for its weights and intercepts alone. Workers build and invert the blocks and remove weights from
them (see `sklearn_obs.elimination.blocks`).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from sklearn_obs.curvature.factors import squared_signals
from sklearn_obs.curvature.inverse.full import full_bytes, full_inverse, inverse_of
from sklearn_obs.curvature.kinds import FACTORED, KINDS
from sklearn_obs.curvature.measurement import Measurement
from sklearn_obs.curvature.structure import Extent, Structure
from sklearn_obs.elimination import Block, BlockTask, InverseHessian, inverted
from sklearn_obs.elimination.blocks import held_bytes


class BlockInverse(InverseHessian):
    """The inverse of a block-diagonal matrix.

    Parameters
    ----------
    blocks : sequence of Block
        Together, their `index` arrays contain each of 0, ..., n - 1 once.

    Attributes
    ----------
    size : int
        The number of weights n.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_obs.curvature import BlockInverse, FullInverse, inverted
    >>> one, two = FullInverse(np.array([[4.0]])), FullInverse(np.diag([1.0, 2.0]))
    >>> C = BlockInverse([inverted(np.array([1]), one), inverted(np.array([0, 2]), two)])
    >>> C.diagonal()
    array([1.  , 0.25, 0.5 ])
    """

    def __init__(self, blocks: Sequence[Block]):
        self._blocks = list(blocks)

    @cached_property
    def size(self) -> int:
        return sum(block.index.size for block in self._blocks)

    def blocks(self) -> list[Block]:
        return self._blocks

    @cached_property
    def _inverses(self):
        return [block.inverse() for block in self._blocks]

    def diagonal(self) -> np.ndarray:
        diagonal = np.empty(self.size)
        for block, inverse in zip(self._blocks, self._inverses, strict=True):
            diagonal[block.index] = inverse.diagonal()
        return diagonal

    @cached_property
    def _places(self):
        """Two arrays of shape (n,): the block of each weight, and its position in this block."""
        owner, local = np.empty(self.size, np.intp), np.empty(self.size, np.intp)
        for number, block in enumerate(self._blocks):
            owner[block.index], local[block.index] = number, np.arange(block.index.size)
        return owner, local

    def columns(self, indices, rows=None) -> np.ndarray:
        owner, local = self._places
        indices = np.asarray(indices, np.intp)
        n_rows = self.size if rows is None else len(rows)
        columns = np.zeros((n_rows, indices.size))
        for number in np.unique(owner[indices]):
            (mine,) = np.nonzero(owner[indices] == number)
            inverse, some = self._inverses[number], local[indices[mine]]
            if rows is None:
                columns[np.ix_(self._blocks[number].index, mine)] = inverse.columns(some)
            else:
                (here,) = np.nonzero(owner[rows] == number)
                columns[np.ix_(here, mine)] = inverse.columns(some, local[np.take(rows, here)])
        return columns

    def without(
        self, removed, *, factor: np.ndarray | None = None, overwrite: bool = False
    ) -> "BlockInverse":
        rest = np.delete(np.arange(self.size), removed)
        new = []
        for block, inverse in zip(self._blocks, self._inverses, strict=True):
            (local,) = np.nonzero(np.isin(block.index, removed))
            index = np.searchsorted(rest, np.delete(block.index, local))
            new.append(inverted(index, inverse.without(local, overwrite=overwrite)))
        return BlockInverse(new)


def unit_inverse(inputs, reads, d, ridge):
    """The inverse of the block of one receiving unit.

    Parameters
    ----------
    inputs : ndarray of shape (n, n_inputs)
        The inputs of the layer, which its units share.
    reads : ndarray of shape (p,), int, ascending
        The columns of `inputs` that belong to the unit's weights.
    d : ndarray of shape (n,)
        sum_k s[t, k, j]^2 of each sample t.
    ridge : ndarray of shape (p,)
        Penalty and damping, added to the diagonal of H_j.
    """
    (active,) = np.nonzero(d)  # samples in which a relu unit is 0 add nothing
    root = np.sqrt(d[active])[:, None]

    def matrix(dtype):
        A = inputs[active].astype(dtype, copy=False)
        if reads.size < A.shape[1]:
            A = A.take(reads, axis=1)
        A *= root
        return A.T @ A  # numpy calls syrk here

    return inverse_of(matrix, ridge, inputs.dtype)


def unit_name(layer, unit):
    """The name of a unit's block in error messages."""
    return f"the block of unit {unit} in layer {layer + 1}"


def unit_blocks(measurement: Measurement, keep: np.ndarray, ridge: np.ndarray) -> BlockInverse:
    """The inverse of H with one block for each receiving unit."""
    n, dtype = measurement.n_samples, measurement.dtype
    layout = measurement.network.layout
    indices = [layout.positions(keep)[i] for i in layout.index]
    read = [np.flatnonzero((i >= 0).any(axis=1)) for i in indices]  # that some unit reads
    inputs = [np.empty((n, some.size), dtype) for some in read]
    d = [np.empty((i.shape[1], n), dtype) for i in indices]

    def keep_batch(rows, layers):
        for layer, factors in enumerate(layers):
            inputs[layer][rows] = factors.inputs[:, read[layer]]
            d[layer][:, rows] = squared_signals(factors).T

    deque(measurement.over_batches(keep_batch), maxlen=0)
    blocks = []
    for layer, index in enumerate(indices):
        for unit, column in enumerate(index[read[layer]].T):
            (reads,) = np.nonzero(column >= 0)
            if reads.size:
                i = column[reads]
                arguments = (reads, d[layer][unit], ridge[i])
                task = BlockTask(unit_name(layer, unit), unit_inverse, arguments)
                blocks.append(Block(i, task, inputs[layer]))
    return BlockInverse(blocks)


def layer_blocks(measurement: Measurement, keep: np.ndarray, ridge: np.ndarray) -> BlockInverse:
    """The inverse of H with one block for each layer."""
    layout = measurement.network.layout
    position, blocks = layout.positions(keep), []
    measurement = replace(measurement, n_jobs=1)  # workers get whole blocks
    for layer, flat in enumerate(layout.index):
        index = np.sort(position[flat].ravel())
        index = index[index >= 0]
        if index.size:
            arguments = (keep[index], ridge[index])
            task = BlockTask(f"the block of layer {layer + 1}", full_inverse, arguments)
            blocks.append(Block(index, task, measurement))
    return BlockInverse(blocks)


def _unit_bytes(extent: Extent) -> float:
    sizes = np.sort(np.concatenate(extent.units))[::-1]
    shared = extent.n_samples * (sum(extent.n_inputs) + sizes.size) * extent.itemsize
    row_bytes = 2 * extent.n_samples * extent.itemsize
    working = sum(p * (16 * p + row_bytes) for p in sizes[: extent.n_jobs])
    return shared + working + held_bytes(extent.units, extent.n_remove, extent.n_jobs)


def _layer_bytes(extent: Extent) -> float:
    layers = [
        full_bytes(replace(extent, units=(units,), n_inputs=(n_inputs,)))
        for units, n_inputs in zip(extent.units, extent.n_inputs, strict=True)
    ]
    working = sum(sorted(layers)[-extent.n_jobs :])
    return working + held_bytes([np.array([u.sum() for u in extent.units])], extent.n_remove)


def _unit_rank(extent: Extent) -> float:
    return max(layer.max(initial=0) for layer in extent.units)  # each sample adds a row to A


def _layer_rank(extent: Extent) -> float:
    return max(layer.sum() for layer in extent.units) / extent.n_signals


UNIT = Structure(unit_blocks, _unit_bytes, FACTORED, _unit_rank)
LAYER = Structure(layer_blocks, _layer_bytes, tuple(KINDS), _layer_rank)
