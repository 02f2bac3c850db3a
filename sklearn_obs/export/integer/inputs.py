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
from sklearn_obs.pruning.warned import warn

INT16 = 2**15 - 1
LARGEST_AS_THEY_COME = 2**30  # largest sum, so that 32 bits have room for twice as much
ENOUGH = 2**11  # whole numbers on either side of 0 that are precise enough for an input
SAME = 1e-6  # relative difference up to which scales are equal: the rounding of float32
FEW_STEPS = 8  # different values of a column, three bits: fewer bits than weights mostly have
MOST_NAMED = 5  # columns
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
    dtype, columns = np.dtype(dtype), columns[read]
    low, high = input_range[:, read].astype(np.float64)
    scale, shift = columns.scale, columns.shift
    if not read.size:
        return Inputs(dtype, "as they come", columns.source, 1.0, shift, 0, 0)
    heaviest = int(np.abs(weights).sum(axis=0).max())
    if limits := np.iinfo(dtype) if dtype.kind != "f" else None:
        _check_range((low - shift) / scale, (high - shift) / scale, columns.source, limits)
        once = len(set(columns.source)) == len(columns.source)
        used = float(np.abs(np.array([low, high]) - shift).max() / scale.max())  # whole numbers
        if _same(scale) and once and _has_room(heaviest, limits.max, used):
            return _as_they_come(dtype, columns, n_features, limits)
    largest = _largest(int(np.abs(weights).max()), heaviest)
    if limits:
        found = _scaled(dtype, columns, low, high, largest, limits)
    else:
        found = _rounded(dtype, columns, low, high, largest)
    _warn_of_coarse(found, low, high)
    return found


def _as_they_come(dtype, columns, n_features, limits):
    """q is X itself, all columns of it."""
    centres = np.zeros(n_features)
    centres[columns.source] = columns.shift
    return Inputs(
        dtype,
        "as they come",
        np.arange(n_features),
        step=float(columns.scale.mean()),
        centres=centres,
        smallest=int(limits.min),
        largest=int(limits.max),
    )


def _scaled(dtype, columns, low, high, largest, limits):
    """q is X less a whole number, times a multiplier."""
    scale, shift = columns.scale, columns.shift
    middle = np.rint(((low + high) / 2 - shift) / scale)
    offsets = np.clip(middle, limits.min, limits.max).astype(np.int64)
    centres = scale * offsets + shift
    step = max(_step(low, high, centres, scale, largest), float(scale.max()) / LARGEST_FACTOR)
    factors = codes(scale / step)
    rounded_down = np.where(values(factors) % 1 > 0, 0.5, 0.0)  # of a step on average
    return Inputs(
        dtype,
        "scaled",
        columns.source,
        step,
        centres + step * rounded_down,
        smallest=-largest,
        largest=largest,
        offsets=offsets,
        factors=factors,
    )


def _rounded(dtype, columns, low, high, largest):
    """q is X less an offset, times a factor, to the nearest whole number."""
    scale, shift = columns.scale, columns.shift
    middle = ((low + high) / 2 - shift) / scale
    if _same(scale) and np.ptp(shift) <= SAME * (high - low).max():  # one offset for all
        ends = (low.min() - shift.mean(), high.max() - shift.mean())
        middle, scale = np.full(scale.size, sum(ends) / 2 / scale.mean()), scale * 0 + scale[0]
    offsets = middle.astype(np.float32)
    centres = scale * offsets + shift
    step = _step(low, high, centres, scale, largest)
    with np.errstate(over="ignore"):
        factors = (scale / step).astype(np.float32)
    if not np.isfinite(factors).all():
        raise ValueError(
            "Got a network with numbers that are too large for float32 once its scalers are "
            "folded in. Columns with almost no variance cause this: drop them."
        )
    return Inputs(
        dtype,
        "rounded",
        columns.source,
        step,
        centres,
        smallest=-largest,
        largest=largest,
        offsets=offsets,
        factors=factors,
    )


def _same(scale):
    return np.ptp(scale) <= SAME * scale.max()


def _step(low, high, centres, scale, largest):
    """The step a with which the column of the largest reach just fits."""
    reach = float(np.maximum(high - centres, centres - low).max())
    return (reach if reach > 0 else float(scale.max())) / largest


def _warn_of_coarse(inputs, low, high):
    """Warn of the columns of which hardly any information is left."""
    n_steps = (high - low) / inputs.step
    coarse = np.unique(inputs.source[(n_steps > 0) & (n_steps < FEW_STEPS)])
    if coarse.size:
        names = ", ".join(map(str, coarse[:MOST_NAMED])) + (
            "" if coarse.size <= MOST_NAMED else ", ..."
        )
        widest = inputs.source[n_steps.argmax()]
        warn(
            f"Columns {names} of X have less than {FEW_STEPS} different values as whole numbers, "
            f"because all columns share the step of column {widest}, which has the largest range. "
            "Scale the columns before `quantize`, such as with a StandardScaler in a Pipeline, and "
            "take the logarithm of columns with a long tail."
        )


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
