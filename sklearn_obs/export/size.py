"""The size of a network: for each layer its weights, multiply-adds, and bytes in each form.

The bytes are those of weights, their positions and intercepts. A file or a program has further
bytes, which do not depend on them.
"""

import math
from importlib.util import find_spec
from typing import Any

import numpy as np

from sklearn_obs.estimators.inside import taken_apart
from sklearn_obs.export.device import device_of
from sklearn_obs.export.folding import compacted_on_targets, folded

REAL = INT = 4  # bytes of a float32, and of an index in SciPy's CSR


def size_report(model: Any, *, dtype: str = "float32", input_dtype: str = "float32") -> Any:
    """Compute how many bytes and operations the network of a fitted model needs.

    Parameters
    ----------
    model : object
        A fitted model, as in `export_c`, or a Pipeline with any other steps.
    dtype : {'float32', 'float64', 'int8', 'integer'}, default='float32'
        The type of numbers in C, as in `export_c`. All other sizes are for float32.
    input_dtype : {'float32', 'int16', 'int8', 'uint8'}, default='float32'
        The type of the features in C if ``dtype='integer'``, as in `export_c`.

    Returns
    -------
    pandas.DataFrame or dict of list
        A table with one row for each layer and one row of totals. Its columns are

        - ``layer``: the number of the layer, or "total";
        - ``weights``: the weights of the network, removed ones included;
        - ``remaining``: the weights that affect the output;
        - ``units`` and ``units_left``: all units, and the units that affect the output;
        - ``dense_bytes``: the bytes of all weights and intercepts;
        - ``csr_bytes``: the bytes of the weights that affect the output, in SciPy's CSR matrices,
          and of the intercepts;
        - ``c_bytes``: the bytes of the constants of `export_c`. Their total is its ``n_bytes``, and
          scales of features count as part of the first layer. The column is left out if `export_c`
          cannot export the model;
        - ``onnx_bytes``: the bytes of the initializers of `export_onnx` with ``sparse=True``;
        - ``multiply_adds``: the multiplications and additions for one sample, if removed weights
          are skipped;
        - ``packed_bytes``: only for a quantized network, the bytes of its weights with `n_bits_`
          bits each, without their positions, and of a scale and an intercept for each remaining
          unit.

        If pandas is not installed, the table is printed and returned as a dict.

    Raises
    ------
    TypeError
        If `model` is not supported; the message lists what is.
    ValueError
        If `dtype` or `input_dtype` is unknown, or cannot represent the network, as in `export_c`.
    sklearn.exceptions.NotFittedError
        If `model` is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.export import size_report
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((10,), max_iter=1000, random_state=0).fit(X, y)
    >>> report = size_report(clf)
    >>> list(report["weights"])
    [40, 30, 70]
    """
    columns = sizes(model, dtype, input_dtype)
    if find_spec("pandas") is None:
        print(as_text(columns))
        return columns
    import pandas as pd

    return pd.DataFrame(columns)


def sizes(model, dtype, input_dtype):
    """The columns of the report, as a dict of lists."""
    _, estimator, of_targets = taken_apart(model)
    small = compacted_on_targets(estimator, of_targets)
    rows = []
    for l, (W, V) in enumerate(zip(estimator.coefs_, small.coefs_, strict=True), start=1):
        n, fan_out = int(np.count_nonzero(V)), V.shape[1]
        places = np.flatnonzero(V)
        rows.append(
            {
                "layer": str(l),
                "weights": W.size,
                "remaining": n,
                "units": W.shape[1],
                "units_left": fan_out,
                "dense_bytes": REAL * (W.size + W.shape[1]),
                "csr_bytes": (REAL + INT) * n + INT * (len(V) + 1) + REAL * fan_out,
                "c_bytes": 0,
                "onnx_bytes": REAL * fan_out
                + min(REAL * V.size, REAL * n + int(_varint_bytes(places).sum())),
                "multiply_adds": n,
            }
        )
        if hasattr(estimator, "n_bits_"):
            rows[-1]["packed_bytes"] = math.ceil(estimator.n_bits_ * n / 8) + 2 * REAL * fan_out
    try:
        n_bytes = device_of(folded(model), dtype, input_dtype).layer_bytes
        for row, n in zip(rows, n_bytes, strict=True):
            row["c_bytes"] = n
    except TypeError:  # a step that `export_c` does not support
        for row in rows:
            del row["c_bytes"]
    total = {name: sum(row[name] for row in rows) for name in rows[0] if name != "layer"}
    rows.append({"layer": "total"} | total)
    return {name: [row[name] for row in rows] for name in rows[0]}


def _varint_bytes(numbers):
    """Number of bytes of non-negative integers in protocol buffers: one for each seven bits."""
    return np.maximum(1, np.ceil(np.log2(numbers + 1) / 7)).astype(int)


def as_text(columns):
    """The columns of the report as a table in plain text."""
    names = list(columns)
    lines = [[name.replace("_", " ") for name in names]]
    for row in zip(*columns.values(), strict=True):
        lines.append([value if isinstance(value, str) else f"{value:,}" for value in row])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    cells = ([cell.rjust(n) for cell, n in zip(line, widths, strict=True)] for line in lines)
    return "\n".join(map("  ".join, cells))
