"""How a layer's weights are stored: all of them, or those that are left, whichever is smaller.

Both go unit by unit. Compressed rows hold, for each unit, how many weights are left (`counts`), and
one after the other their values and the indices of the inputs that they read, in the narrowest
unsigned integers that hold them. A dense layer takes fan_in * fan_out numbers.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stored:
    """The weights of one layer, unit by unit."""

    values: np.ndarray  # (n_stored,)
    columns: np.ndarray | None  # (n_stored,), unsigned; None where all weights are stored
    counts: np.ndarray | None  # (fan_out,), unsigned; None likewise

    @property
    def n_bytes(self):
        """Bytes of the arrays; where no weight is left, none of them is needed."""
        parts = (self.values, self.columns, self.counts) if self.values.size else ()
        return sum(part.nbytes for part in parts if part is not None)


def stored_dense(W):
    """All weights of W, of shape (fan_in, fan_out)."""
    return Stored(W.T.ravel(), None, None)


def stored_rows(W):
    """The weights of W that are not 0."""
    units, columns = np.nonzero(W.T)
    counts = np.bincount(units, minlength=W.shape[1])
    return Stored(W[columns, units], _narrow(columns, len(W) - 1), _narrow(counts, counts.max()))


def stored(W):
    """The smaller of both."""
    rows, dense = stored_rows(W), stored_dense(W)
    return rows if rows.n_bytes < dense.n_bytes else dense


def first_used(weights):
    """Index of the first layer that has a say: nothing passes through a layer without weights."""
    return max((l for l, W in enumerate(weights) if not W.any()), default=0)


def constant_bytes(device):
    """Bytes of the constants in C, a number for each layer; scales of columns are in the first."""
    first = first_used([layer.weights for layer in device.layers])
    n_bytes = [stored(layer.weights).n_bytes + layer.intercepts.nbytes for layer in device.layers]
    n_bytes[:first] = [0] * first
    if first == 0 and device.input_scale is not None:
        n_bytes[0] += device.input_scale.nbytes
    return n_bytes


def _narrow(numbers, largest):
    return numbers.astype(np.min_scalar_type(largest))
