"""ONNX files; `onnx_graph` makes what is in them."""

from os import PathLike
from typing import Any

from sklearn_obs.export.files import checked_path, write


def export_onnx(
    model: Any,
    path: str | PathLike,
    *,
    X: Any = None,
    sparse: bool = False,
    overwrite: bool = False,
) -> int:
    """Write a fitted model as ONNX: float32 columns in, labels and probabilities or values out.

    Units that carry nothing are left out. A classifier's outputs are ``label`` and
    ``probabilities``, a regressor's is ``variable``. A `TransformedTargetRegressor` gives targets
    as they were before its transformer.

    Parameters
    ----------
    model : object
        As in `export_c`; the steps of a Pipeline may be any that skl2onnx converts.
    path : str or Path
        Ends in ``.onnx``.
    X : DataFrame of shape (n_samples, n_features) or dict of ndarray, default=None
        Some rows, where columns are not all numbers: each column is then an input of its own, of
        strings or float32, in the same order and by its name, in which skl2onnx puts ``_`` for what
        is neither a letter nor a digit. By default there is one input ``X`` of float32.
    sparse : bool, default=False
        Whether to store matrices that are smaller so as sparse initializers. onnxruntime takes
        them; others may not.
    overwrite : bool, default=False
        Whether to replace a file that exists.

    Returns
    -------
    int
        Bytes of the file.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.
    TypeError
        If `model` is not supported.
    ValueError
        If `path` does not end in ``.onnx``, or class labels are neither strings nor integers of 32
        bits.
    OSError
        If the file exists or cannot be written.
    sklearn.exceptions.NotFittedError
        If `model` is not fitted.

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
    ...     n_bytes = export_onnx(model, f"{folder}/iris.onnx", sparse=True)
    >>> n_bytes < 3000
    True
    """
    (path,) = checked_path(path, ".onnx", overwrite)
    content = _graphs().graph_of(model, X, sparse).SerializeToString()
    write({path: content})
    return len(content)


def register_onnx() -> None:
    """Tell skl2onnx how to convert our estimators, alone or as part of anything else it converts.

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
        import sklearn_obs.export.onnx_graph as onnx_graph
    except ImportError as error:
        raise ImportError(
            "ONNX needs skl2onnx: python -m pip install 'sklearn-obs[onnx]'"
        ) from error
    return onnx_graph
