"""`export_c`: check the arguments, and write a fitted model as C99."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

from sklearn_obs.export.c.floats import code_in_floats
from sklearn_obs.export.c.header import header_text
from sklearn_obs.export.c.integers import code_in_integers
from sklearn_obs.export.c.source import source_text
from sklearn_obs.export.c.text import header_name, prefix
from sklearn_obs.export.c.vectors import MOST, program_text
from sklearn_obs.export.device import device_of
from sklearn_obs.export.files import checked_path, write
from sklearn_obs.export.folding import folded
from sklearn_obs.export.integer.network import IntegerNetwork
from sklearn_obs.export.offsets import warn_of_folded


@dataclass(frozen=True)
class CSource:
    """The files that `export_c` has written, and the scores that it has measured."""

    source: Path  # the .c file
    header: Path  # the .h file
    n_bytes: int  # of constant arrays, without code
    score: float | None  # accuracy or R^2 of the model on the test data
    exported_score: float | None  # the same, computed in the numbers of the device
    test: Path | None = None  # the program with the test vectors


def export_c(
    model: Any,
    path: str | PathLike,
    *,
    name: str | None = None,
    dtype: str = "float32",
    input_dtype: str = "float32",
    test_data: tuple[Any, Any] | None = None,
    test_vectors: int = 0,
    feature_names: Sequence[str] | None = None,
    overwrite: bool = False,
) -> CSource:
    """Write a fitted model as C99: ``path`` and, beside it, a header of the same name.

    The header says what the columns are, and declares ``int NAME_predict(...)`` and, for a
    classifier, ``int NAME_predict_proba(...)``. Weights that are 0 take no room, units without
    effect are left out, and scalers are folded in. The code allocates no memory; the values of
    units are on the stack.

    Parameters
    ----------
    model : object
        A fitted pruned estimator, `MLPClassifier` or `MLPRegressor`; a Pipeline or
        `TransformedTargetRegressor` that ends in one and whose other steps are StandardScaler,
        MinMaxScaler, MaxAbsScaler, RobustScaler, feature selectors, or a ColumnTransformer of
        these; or a search that has found one.
    path : str or Path
        Ends in ``.c``.
    name : str, default=None
        Prefix of all names in C. By default the file's name, with ``_`` for characters that C does
        not allow.
    dtype : {'float32', 'float64', 'int8', 'integer'}, default='float32'
        Type of weights and sums. With 'int8', weights are stored in eight bits with one scale for
        each layer, and sums are float32. With 'integer', everything is computed in whole numbers,
        for devices without a floating-point unit; call ``quantize`` on the network first.
    input_dtype : {'float32', 'int16', 'int8', 'uint8'}, default='float32'
        Type of the columns that the functions get if ``dtype='integer'``: whole numbers as the
        device measures them, or floating-point numbers. Otherwise columns have the type of sums.
    test_data : tuple of (X, y), default=None
        Rows on which the accuracy or R^2 of the model and of the exported network are measured,
        even if the model's own ``score`` is another.
    test_vectors : int, default=0
        How many of these rows, at most 99, to write into a program beside the source,
        ``NAME_test.c``. On the device, it says for how many of them the prediction is as here.
    feature_names : list of str, default=None
        Names of the columns for the header; by default those that `model` was fitted with, if any.
    overwrite : bool, default=False
        Whether to replace files that exist.

    Returns
    -------
    CSource
        With the fields ``source``, ``header``, ``n_bytes`` (of constant arrays, without the code,
        about 500 bytes by ``gcc -Os``), ``score`` and ``exported_score`` (on `test_data`), and
        ``test``, the program of `test_vectors` or None.

    Raises
    ------
    TypeError
        If `model` is not supported or one of its steps cannot be folded; the message lists what is.
    ValueError
        If `dtype` or `input_dtype` is unknown, a number is too large for it, the network is not
        quantized but `dtype` is 'integer', `test_data` are not of `input_dtype`, `path` does not
        end in ``.c`` or has the name of a standard header, `name` is no identifier, `test_vectors`
        is above the number of rows or 99, there are not as many `feature_names` as columns, or a
        class label is neither a string nor a number.
    OSError
        If a file exists or cannot be written. No file is then changed.
    sklearn.exceptions.NotFittedError
        If `model` is not fitted.

    Warns
    -----
    UserWarning
        If float32 rounds a column that is read by more than 1% of its spread.

    Notes
    -----
    As in `predict`, a row with a value that is not finite is refused: the functions return -1.
    Numbers beyond the range of float32 become infinite on the way into a float32 model. Under
    ``-ffast-math`` a compiler may drop this check, so the source then stops with an error message.

    All names begin with `name`: several models may be compiled as one file.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.export import export_c
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((10,), max_iter=1000, random_state=0)
    >>> model = make_pipeline(StandardScaler(), clf).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = export_c(model, f"{folder}/iris.c", test_data=(X, y))
    >>> written.header.name, written.n_bytes < 100, written.exported_score == written.score
    ('iris.h', True, True)
    """
    source, header = checked_path(path, ".c", overwrite, also=(".h",))
    _check_vectors(test_vectors, test_data)
    test = None
    if test_vectors:
        (test,) = checked_path(source.with_name(f"{source.stem}_test.c"), ".c", overwrite)
    name, header_file = prefix(source, name), header_name(header)
    net = folded(model)
    if feature_names is not None:
        net = replace(net, feature_names=[str(feature) for feature in feature_names])
        if len(net.feature_names) != net.n_features:
            raise ValueError(
                f"Got {len(net.feature_names)} feature_names, but expected {net.n_features}."
            )
    device = device_of(net, dtype, input_dtype)
    if dtype != "float64" and input_dtype == "float32":
        warn_of_folded(net, ", or use dtype='float64'")
    scores: tuple[float | None, float | None] = (None, None)
    if test_data is not None:
        X, y = test_data
        scores = net.score(y, model.predict(X)), net.score(y, device.predict(net, X))
    if isinstance(device, IntegerNetwork):
        code = code_in_integers(net, device, name)
    else:
        code = code_in_floats(net, device, name)
    texts = {
        header: header_text(net, device, code, scores),
        source: source_text(code, header_file),
    }
    if test is not None and test_data is not None:
        files = {"file": test.name, "source": source.name, "header": header_file}
        texts[test] = program_text(net, device, code, test_data[0], test_vectors, files)
    write({path: text.encode() for path, text in texts.items()})
    return CSource(source, header, sum(device.layer_bytes), *scores, test=test)


def _check_vectors(n, test_data):
    """Raise ValueError if `n` test vectors cannot be written."""
    if isinstance(n, bool) or not isinstance(n, Integral) or not 0 <= n <= MOST:
        raise ValueError(f"Got test_vectors={n!r}, but expected an int in [0, {MOST}].")
    if n and test_data is None:
        raise ValueError(f"Got test_vectors={n} without test_data, whose rows they are. Pass both.")
