"""skops files: they store the fitted estimator, and loading them does not run code in them."""

import io
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED

from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators import OBSPrunedMLPClassifier, OBSPrunedMLPCV, OBSPrunedMLPRegressor
from sklearn_obs.export.files import checked_path, write

TRUSTED = [
    *(
        f"{cls.__module__}.{cls.__name__}"
        for cls in (OBSPrunedMLPClassifier, OBSPrunedMLPCV, OBSPrunedMLPRegressor)
    ),
    "numpy.dtype",  # for imputers and encoders; skops reads it from an empty array, without pickle
]


def export_skops(model: Any, path: str | PathLike, *, overwrite: bool = False) -> int:
    """Write a fitted model to a skops file, to be read by `load_skops`.

    Parameters
    ----------
    model : object
        A fitted estimator of this library, or any model that contains one.
    path : str or Path
        The file to write. Its name has to end in ``.skops``.
    overwrite : bool, default=False
        Whether to replace an existing file.

    Returns
    -------
    int
        The number of bytes of the file.

    Raises
    ------
    ImportError
        If skops is not installed.
    ValueError
        If `path` does not end in ``.skops``.
    OSError
        If the file exists or cannot be written.
    TypeError
        If `model` is no estimator.
    sklearn.exceptions.NotFittedError
        If `model` is not fitted.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.export import export_skops, load_skops
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((10,), max_iter=1000, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     n_bytes = export_skops(clf, f"{folder}/iris.skops")
    ...     again = load_skops(f"{folder}/iris.skops")
    >>> bool((again.predict(X) == clf.predict(X)).all())
    True
    """
    (path,) = checked_path(path, ".skops", overwrite)
    if not hasattr(model, "fit"):
        raise TypeError(f"Got a {type(model).__name__}, but expected a fitted estimator.")
    check_is_fitted(model)
    file = io.BytesIO()
    _skops().dump(model, file, compression=ZIP_DEFLATED)
    content = file.getvalue()
    write({path: content})
    return len(content)


def load_skops(path: str | PathLike, *, trusted: Sequence[str] = ()) -> Any:
    """Read a model that `export_skops` has written.

    Parameters
    ----------
    path : str or Path
        The file to read.
    trusted : sequence of str, default=()
        Further types that may be loaded, beside the types of this library, ``numpy.dtype`` and
        those that skops trusts by itself. Other steps of a Pipeline may need some. Trust only types
        in a file with an origin that you know.

    Returns
    -------
    object
        The fitted model.

    Raises
    ------
    ImportError
        If skops is not installed.
    skops.io.exceptions.UntrustedTypesFoundException
        If the file contains other types. A note of the error says what to pass to trust them.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.export import export_skops, load_skops
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.skops")
    ...     n_bytes = export_skops(clf, path)
    ...     again = load_skops(path)
    >>> bool((again.predict(X) == clf.predict(X)).all())
    True
    """
    io = _skops()
    try:
        return io.load(Path(path), trusted=[*TRUSTED, *trusted])
    except io.exceptions.UntrustedTypesFoundException as error:
        error.add_note(
            "If you know where the file comes from, and these types belong to your model: "
            f"load_skops({str(path)!r}, trusted={other_types(path)})"
        )
        raise


def other_types(path):
    """The types in a file that have to be passed to `load_skops` as `trusted`."""
    return [t for t in _skops().get_untrusted_types(file=Path(path)) if t not in TRUSTED]


def _skops():
    try:
        import skops.io
    except ImportError as error:
        raise ImportError(
            "skops files need skops: python -m pip install 'sklearn-obs[skops]'"
        ) from error
    return skops.io
