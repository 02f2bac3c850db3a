"""Columns of X as whole numbers q, from which the net inputs are u_k = a q_k + c_k.

There are three ways, all with one step a for all net inputs, so that weights stay on their grid:

- "as they come": if one scale turns the whole numbers of X into net inputs, q is X itself;
- "scaled": an offset is subtracted from whole numbers, and the rest multiplied and shifted, with
  numbers of its own for each column;
- "rounded": an offset is subtracted from floating-point numbers, and the rest is multiplied by a
  factor and rounded to the nearest.

The last two have up to sixteen bits with the sign. The step is such that the column of the largest
range in `input_range_` just reaches the ends. Values beyond an end are set to it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from sklearn_obs.export.integer.multipliers import (
    LARGEST_FACTOR,
    LARGEST_TIMES,
    codes,
    times,
    values,
)

INT16 = 2**15 - 1
LARGEST_AS_THEY_COME = 2**30  # largest sum, so that 32 bits have room for twice as much
ENOUGH = 2**11  # whole numbers on either side of 0 that are precise enough for an input
SAME = 1e-6  # relative difference up to which scales are equal: the rounding of float32
INPUT_DTYPES = ("float32", "int16", "int8", "uint8")


@dataclass(frozen=True)
class Inputs:
    """How the columns of X become whole numbers."""

    dtype: np.dtype  # of X
    way: str  # "as they come", "scaled" or "rounded"
    source: np.ndarray  # (n_inputs,), columns of X: all of them if "as they come"
    step: float  # a
    centres: np.ndarray  # (n_inputs,): c
    smallest: int  # the smallest q
    largest: int  # the largest q
    offsets: np.ndarray | None = None  # (n_inputs,), in numbers of X; None if as they come
    factors: np.ndarray | None = None  # (n_inputs,), codes of sixteen bits, or float32; or None

    def samples(self, X, n_features):
        """X as an array of this dtype, (n_samples, n_features).

        Raises
        ------
        ValueError
            If X has another number of columns, or numbers that the dtype does not hold.
        """
        floats = self.dtype.kind == "f"
        X = check_array(X, accept_sparse="csr", dtype=np.float32 if floats else np.float64)
        X = X.toarray() if issparse(X) else X
        if X.shape[1] != n_features:
            raise ValueError(f"X has {X.shape[1]} features, but expected {n_features}.")
        if floats:
            return X
        limits = np.iinfo(self.dtype)
        wrong = (np.rint(X) != X) | (limits.min > X) | (limits.max < X)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"Got {X[row, column]:g} in row {row}, column {column} of X, but expected whole "
                f"numbers from {limits.min} to {limits.max}, with input_dtype={self.dtype.name!r}. "
                "Train on the numbers as the device measures them, with a scaler in a Pipeline."
            )
        return X.astype(self.dtype)

    def of(self, X):
        """The whole numbers q, (n_samples, n_inputs), of samples X of this dtype."""
        x = X[:, self.source]
        if self.way == "as they come":
            return x.astype(np.int64)
        if self.way == "scaled":
            q = times(x.astype(np.int64) - self.offsets, self.factors)
            return np.clip(q, self.smallest, self.largest)
        with np.errstate(over="ignore"):
            v = np.clip((x - self.offsets) * self.factors, self.smallest, self.largest)
        half = np.float32(0.5)
        return np.trunc(np.where(v < 0, v - half, v + half)).astype(np.int64)


def inputs_of(columns, read, input_range, n_features, dtype, weights):
    """The `Inputs` for the net inputs `read` of a network, for an X of this dtype.

    Parameters
    ----------
    columns : Columns
        The columns and scales of all net inputs.
    read : ndarray of int
        The net inputs that the network reads.
    input_range : ndarray of shape (2, n_net_inputs)
        The smallest and the largest value of each net input.
    n_features : int
        Number of columns of X.
    dtype : str
        One of `INPUT_DTYPES`.
    weights : ndarray of shape (n_net_inputs, fan_out)
        The weights as whole numbers.

    Raises
    ------
    ValueError
        If a factor is too large for float32, or columns go beyond the dtype.
    """
    dtype, columns, (low, high) = np.dtype(dtype), columns[read], input_range[:, read]
    low, high = (np.asarray(each, np.float64) for each in (low, high))
    scale, shift, source = columns.scale, columns.shift, columns.source
    if not read.size:
        return Inputs(dtype, "as they come", source, 1.0, shift, 0, 0)
    one_scale = np.ptp(scale) <= SAME * scale.max()
    limits = np.iinfo(dtype) if dtype.kind != "f" else None
    if limits:
        _check_range((low - shift) / scale, (high - shift) / scale, source, limits)
    once = len(set(source)) == len(source)
    heaviest = int(np.abs(weights).sum(axis=0).max())
    used = float(np.abs(np.array([low, high]) - shift).max() / scale.max())  # whole numbers
    if limits and one_scale and once and _has_room(heaviest, limits.max, used):
        step, at = float(scale.mean()), {"smallest": int(limits.min), "largest": int(limits.max)}
        centres, all_columns = np.zeros(n_features), np.arange(n_features)
        centres[source] = shift
        ways = {"dtype": dtype, "way": "as they come", "source": all_columns, "centres": centres}
        return Inputs(**ways, step=step, **at)
    middle = ((low + high) / 2 - shift) / scale
    if dtype.kind == "f":
        if one_scale and np.ptp(shift) <= SAME * (high - low).max():  # one offset for all
            ends = (low.min() - shift.mean(), high.max() - shift.mean())
            middle, scale = np.full(read.size, sum(ends) / 2 / scale.mean()), scale * 0 + scale[0]
        offsets = middle.astype(np.float32)
    else:
        offsets = np.clip(np.rint(middle), limits.min, limits.max).astype(np.int64)
    centres = scale * offsets + shift
    reach = float(np.maximum(high - centres, centres - low).max())
    largest = _largest(int(np.abs(weights).max()), heaviest)
    step = (reach if reach > 0 else float(scale.max())) / largest
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            factors = (scale / step).astype(np.float32)
        if not np.isfinite(factors).all():
            raise ValueError(
                "Got a network with numbers that are too large for float32 once its scalers are "
                "folded in. Columns with almost no variance cause this: drop them."
            )
        way = "rounded"
    else:
        step = max(step, float(scale.max()) / LARGEST_FACTOR)  # so that all factors fit
        factors, way = codes(scale / step), "scaled"
        rounded_down = np.where(values(factors) % 1 > 0, 0.5, 0.0)  # of a step on average
        centres = centres + step * rounded_down
    at = {"smallest": -largest, "largest": largest}
    return Inputs(dtype, way, source, step, centres, **at, offsets=offsets, factors=factors)


def _check_range(low, high, source, limits):
    """Raise ValueError if `quantize` has seen numbers that the dtype does not hold."""
    beyond = (low < limits.min - 0.5) | (high > limits.max + 0.5)
    if beyond.any():
        k = int(beyond.argmax())
        raise ValueError(
            f"Got input_dtype={np.dtype(limits.dtype).name!r}, but column {source[k]} of X had "
            f"values from {low[k]:.6g} to {high[k]:.6g} in `quantize`. Use a wider type: 'int16' "
            "holds -32,768 to 32,767."
        )


def _has_room(heaviest, largest, used):
    """Whether sums of whole numbers as they come fit, and keep their bits when they are shifted.

    The shift is for the largest numbers of the dtype, but those of training reach only `used`.
    """
    shift = max((heaviest * largest).bit_length() - LARGEST_TIMES.bit_length(), 0)
    return heaviest * largest < LARGEST_AS_THEY_COME and heaviest * used >= ENOUGH * (2**shift - 1)


def _largest(weight, heaviest):
    """The largest q: such that products have sixteen bits, if that leaves `ENOUGH` numbers."""
    largest = INT16 // weight
    largest = INT16 if largest < ENOUGH else largest
    return min(largest, LARGEST_AS_THEY_COME // heaviest)
