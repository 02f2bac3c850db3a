"""Inputs of an ONNX runtime: one matrix, or a separate float32 or string array for each column."""

from numbers import Real

import numpy as np

WHOLE = "X"  # the one input of a model whose columns are all numbers


def columns_of_rows(X):
    """The columns by name, as float64 or object (strings), or None for an array of numbers.

    Raises
    ------
    ValueError
        If a column has no name.
    """
    if X is None:
        return None
    if hasattr(X, "items"):  # a dict or a pandas DataFrame
        columns = dict(X.items())
    elif hasattr(X, "get_column"):  # a polars DataFrame
        columns = {name: X.get_column(name) for name in X.columns}
    else:
        X = np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"Got X of shape {X.shape}, but expected two dimensions.")
        if X.dtype.kind in "biuf":
            return None
        columns = {f"x{j}": X[:, j] for j in range(X.shape[1])}
    if any(not str(name).strip() for name in columns):
        raise ValueError("Got a column without a name, but an input of ONNX needs a name.")
    return {str(name): _converted(column) for name, column in columns.items()}


def _converted(column):
    kind = getattr(column.dtype, "kind", "") if hasattr(column, "dtype") else ""
    values = np.asarray(column)
    if kind in ("b", "i", "u", "f") or values.dtype.kind in "biuf":
        return _floats(values)
    if all(isinstance(value, Real) or _is_missing(value) for value in values):
        return _floats(values)
    texts = ["" if _is_missing(value) else str(value) for value in values]
    return np.array(texts, object)


def _floats(values):
    if values.dtype.kind == "O":
        return np.array([np.nan if _is_missing(v) else float(v) for v in values], float)
    return values.astype(np.float64)


def _is_missing(value):
    return value is None or value != value or type(value).__name__ == "NAType"


def feeds(names, columns, X):
    """The inputs with which a session is run: a dict from the `names` to arrays."""
    if columns is None:
        columns = {WHOLE: X.toarray() if hasattr(X, "toarray") else np.asarray(X)}
    return {name: _fed(column) for name, column in zip(names, columns.values(), strict=True)}


def _fed(values):
    values = values[:, None] if values.ndim == 1 else values
    with np.errstate(over="ignore"):  # too large for float32 becomes inf on a device
        return values if values.dtype.kind == "O" else values.astype(np.float32)
