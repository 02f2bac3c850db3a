"""Writing of ONNX files; their content is made by `graph`."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score

from sklearn_obs.export.files import checked_path, write
from sklearn_obs.export.folding import folded
from sklearn_obs.export.offsets import of_rows, warn_of_folded, warn_of_offsets
from sklearn_obs.export.onnx.inputs import columns_of_rows, feeds


@dataclass(frozen=True)
class ONNXFile:
    """The result of `export_onnx`."""

    path: Path
    n_bytes: int
    inputs: list[str]  # names of the inputs, in the order of the columns
    score: float | None  # accuracy or R^2 of the model on the test data
    exported_score: float | None  # the same for the file, evaluated in float32


def export_onnx(
    model: Any,
    path: str | PathLike,
    *,
    X: Any = None,
    sparse: bool = False,
    test_data: tuple[Any, Any] | None = None,
    overwrite: bool = False,
) -> ONNXFile:
    """Write a fitted model to an ONNX file.

    The model computes in float32, and units that do not affect the output are left out. A
    classifier has the outputs ``label`` and ``probabilities``, and a regressor has the output
    ``variable``. A `TransformedTargetRegressor` returns targets as they were before its
    transformer.

    Parameters
    ----------
    model : object
        A fitted model, as in `export_c`. The steps of a Pipeline may also be pruned networks, or
        any that skl2onnx can convert.
    path : str or Path
        The file to write. Its name has to end in ``.onnx``.
    X : DataFrame, dict of ndarray or ndarray of shape (n_samples, n_features), default=None
        Some samples, needed if not all features are numbers (a DataFrame of pandas or polars;
        the columns of an array are called x0, x1, ...). Each column becomes an input of shape
        (n, 1), of strings or float32, in the same order. By default, and for an array of numbers,
        there is one input ``X`` of float32.
    sparse : bool, default=False
        Whether to store a matrix as a sparse initializer where this is smaller. onnxruntime can
        read it; other runtimes may not.
    test_data : tuple of (X, y), default=None
        Samples to measure how float32 changes accuracy or R^2, with the evaluator that is part of
        the ONNX package.
    overwrite : bool, default=False
        Whether to replace an existing file.

    Returns
    -------
    ONNXFile
        An object with the fields ``path``, ``n_bytes``, ``inputs``, ``score`` and
        ``exported_score`` (both scores on `test_data`). ``inputs`` are the names of the inputs in
        the order of the columns. skl2onnx replaces characters that are neither letters nor digits
        by ``_``, puts ``_`` before a digit at the start, and appends a number to a name that
        exists already.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.
    TypeError
        If `model` is not supported.
    ValueError
        If `path` does not end in ``.onnx``, class labels are neither strings nor 32-bit integers, a
        step fills in or encodes missing text, or skl2onnx cannot convert a step. The message says
        what to do.
    OSError
        If the file exists or cannot be written.
    sklearn.exceptions.NotFittedError
        If `model` is not fitted.

    Warns
    -----
    UserWarning
        If float32 rounds a feature that is read by more than 1% of its spread, which is what its
        scaler divides by, or else its standard deviation.

    Notes
    -----
    In ONNX a text cannot be missing. Put ``""`` where a text is missing, both in `fit` and in the
    runtime.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.export import export_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((10,), max_iter=1000, random_state=0)
    >>> model = make_pipeline(StandardScaler(), clf).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = export_onnx(model, f"{folder}/iris.onnx", sparse=True, test_data=(X, y))
    >>> written.inputs, written.n_bytes < 3000, written.exported_score == written.score
    (['X'], True, True)
    """
    (file,) = checked_path(path, ".onnx", overwrite)
    graphs, columns = _graphs(), columns_of_rows(X)
    graph = graphs.graph_of(model, columns)
    inputs = [given.name for given in graph.graph.input]
    score, exported_score, rows = None, None, X
    if test_data is not None:
        rows, y = test_data
        values = columns_of_rows(rows) if columns else None
        found = graphs.evaluated(graph, feeds(inputs, values, rows))
        measure = accuracy_score if is_classifier(model) else r2_score
        score = float(measure(y, model.predict(rows)))
        exported_score = float(measure(y, found.reshape(np.shape(y))))
    _warn_of_offsets(model, rows)
    if sparse:
        graphs.leave_out_zeros(graph.graph)
    content = graph.SerializeToString()
    write({file: content})
    return ONNXFile(file, len(content), inputs, score, exported_score)


def _warn_of_offsets(model, rows):
    """Warn of columns that are too coarse in float32, by their scalers or else by the rows."""
    try:
        net = folded(model)
    except TypeError:  # there are steps that cannot be folded
        columns = {n: c for n, c in (columns_of_rows(rows) or {}).items() if c.dtype.kind != "O"}
        if columns:
            warn_of_offsets(list(columns), *np.transpose([of_rows(c) for c in columns.values()]))
        return
    warn_of_folded(net)


def register_onnx() -> None:
    """Register the estimators of this library at skl2onnx.

    skl2onnx can then convert them, alone or as part of another model.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.export import register_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((10,), max_iter=1000, random_state=0).fit(X, y)
    >>> register_onnx()
    >>> from skl2onnx import to_onnx
    >>> graph = to_onnx(clf, X[:1], options={"zipmap": False})
    >>> [output.name for output in graph.graph.output]
    ['label', 'probabilities']
    """
    _graphs().register()


def _graphs():
    try:
        import sklearn_obs.export.onnx.graph as graph
    except ImportError as error:
        raise ImportError(
            "ONNX files need skl2onnx: python -m pip install 'sklearn-obs[onnx]'"
        ) from error
    return graph
