"""Storage of the weights of a layer: all of them or those that are not 0, whichever is smaller.

In both forms the weights are ordered by unit. Compressed rows have the number of weights of each
unit (`counts`), the values of the weights, and the indices of their inputs. Counts and indices are
unsigned integers of the smallest type that is large enough. A dense layer has fan_in * fan_out
numbers.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stored:
    """The stored weights of a layer, ordered by unit."""

    values: np.ndarray  # (n_stored,)
    columns: np.ndarray | None  # (n_stored,), unsigned input indices; None if all are stored
    counts: np.ndarray | None  # (fan_out,), unsigned weights of each unit; None if all are stored

    @property
    def n_bytes(self):
        """Number of bytes of the arrays; without any weights, none of them is needed."""
        parts = (self.values, self.columns, self.counts) if self.values.size else ()
        return sum(part.nbytes for part in parts if part is not None)


def stored_dense(W):
    """Store all weights of W, of shape (fan_in, fan_out)."""
    return Stored(W.T.ravel(), None, None)


def stored_rows(W):
    """Store the weights of W that are not 0, in compressed rows."""
    units, columns = np.nonzero(W.T)
    counts = np.bincount(units, minlength=W.shape[1])
    return Stored(W[columns, units], _narrow(columns, len(W) - 1), _narrow(counts, counts.max()))


def stored(W):
    """Store the weights of W in the smaller of the two forms."""
    rows, dense = stored_rows(W), stored_dense(W)
    return rows if rows.n_bytes < dense.n_bytes else dense


def first_used(weights):
    """Index of the first layer with an effect; a layer without weights hides all before it."""
    return max((l for l, W in enumerate(weights) if not W.any()), default=0)


def constant_bytes(device):
    """Bytes of each layer's constants in C; the first layer includes the scales of columns."""
    first = first_used([layer.weights for layer in device.layers])
    n_bytes = [stored(layer.weights).n_bytes + layer.intercepts.nbytes for layer in device.layers]
    n_bytes[:first] = [0] * first
    if first == 0 and device.input_scale is not None:
        n_bytes[0] += device.input_scale.nbytes
    return n_bytes


def _narrow(numbers, largest):
    return numbers.astype(np.min_scalar_type(largest))
