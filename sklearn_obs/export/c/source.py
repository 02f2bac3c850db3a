"""C99 source of a fitted model: a header and a file, without malloc, that need libm at most.

Unit by unit of each layer, over the weights that `storage` holds of it::

    z_j = b_j + r sum_k w_jk h_k          h_j = phi(z_j)

with r = 1 but for weights of eight bits. Numbers lie in the order in which they are used, in one
array of each type through which a pointer runs: an intercept, its unit's weights, the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from os import PathLike
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from sklearn_obs.export.c.header import header_text
from sklearn_obs.export.c.templates import (
    CONSTANT,
    DENSE,
    LINEAR,
    PHI,
    PREDICT,
    PROBA,
    RESULT,
    ROWS,
    SOURCE,
)
from sklearn_obs.export.c.text import c_type, header_name, number, numbers, prefix, read
from sklearn_obs.export.c.vectors import MOST, program_text
from sklearn_obs.export.files import checked_path, write
from sklearn_obs.export.folding import folded
from sklearn_obs.export.offsets import warn_of_folded
from sklearn_obs.export.rounding import rounded
from sklearn_obs.export.storage import constant_bytes, first_used, stored


@dataclass(frozen=True)
class CSource:
    """What `export_c` has written."""

    source: Path  # the .c file
    header: Path  # the .h file
    n_bytes: int  # of constant arrays; code comes on top
    score: float | None  # accuracy or R^2 of the model on the test data
    exported_score: float | None  # the same of the network in the numbers of the device
    test: Path | None = None  # the program of the test vectors


def export_c(
    model: Any,
    path: str | PathLike,
    *,
    name: str | None = None,
    dtype: str = "float32",
    test_data: tuple[Any, Any] | None = None,
    test_vectors: int = 0,
    feature_names: Sequence[str] | None = None,
    overwrite: bool = False,
) -> CSource:
    """Write a fitted model as C99: ``path`` and, beside it, a header of the same name.

    The header says what the columns are, and declares ``int NAME_predict(...)`` and, for a
    classifier, ``int NAME_predict_proba(...)``. Weights that are 0 take no room, units that carry
    nothing are left out, and scalers are folded in. Nothing is allocated; values of units take
    their place on the stack.

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
        What names in C begin with; by default the file's name, with ``_`` where C allows no other.
    dtype : {'float32', 'float64', 'int8'}, default='float32'
        Of weights and sums; with 'int8', weights have eight bits and one scale a layer, and sums
        are float32.
    test_data : tuple of (X, y), default=None
        Rows to measure what the numbers of the device cost in accuracy or R^2, whatever else the
        model's own ``score`` may be.
    test_vectors : int, default=0
        How many of these rows to write into a program beside the source, ``NAME_test.c``, that says
        on the device whether it predicts for them what the network predicts here: at most 99.
    feature_names : list of str, default=None
        Names of the columns for the header; by default those that `model` was fitted with, if any.
    overwrite : bool, default=False
        Whether to replace files that exist.

    Returns
    -------
    CSource
        With the fields ``source``, ``header``, ``n_bytes`` (of constant arrays; code comes on top,
        about 500 bytes by ``gcc -Os``), ``score`` and ``exported_score`` (on `test_data`), and
        ``test``, the program of `test_vectors` or None.

    Raises
    ------
    TypeError
        If `model` is not supported or one of its steps cannot be folded; the message lists what is.
    ValueError
        If `dtype` is unknown, a number is too large for it, `path` does not end in ``.c`` or is
        called like a header of C, `name` is no identifier, `test_vectors` are more than there are
        rows or 99, `feature_names` are not as many as
        columns, or a class label is neither a string nor a number.
    OSError
        If a file exists or cannot be written. No file is then changed.
    sklearn.exceptions.NotFittedError
        If `model` is not fitted.

    Warns
    -----
    UserWarning
        If float32 rounds a column that is read by more than 1 % of what it varies by.

    Notes
    -----
    A row with a value that is not finite is refused as `predict` does, by the status -1. Numbers
    beyond the range of float32 become infinite on the way into a float32 model. Under
    ``-ffast-math`` a compiler may drop that check, so that the source then stops it with a message.

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
    device = rounded(net, dtype)
    if dtype != "float64":
        warn_of_folded(net, ", or use dtype='float64'")
    scores: tuple[float | None, float | None] = (None, None)
    if test_data is not None:
        X, y = test_data
        scores = net.score(y, model.predict(X)), net.score(y, net.predict(device.network, X))
    texts = dict(
        zip((header, source), c_files(net, device, name, header_file, scores), strict=True)
    )
    if test is not None and test_data is not None:
        files = {"file": test.name, "source": source.name, "header": header_file}
        words = words_of(net, device, name)
        texts[test] = program_text(net, device.network, test_data[0], test_vectors, words, files)
    write({path: text.encode() for path, text in texts.items()})
    return CSource(source, header, sum(constant_bytes(device)), *scores, test=test)


def _check_vectors(n, test_data):
    """Raise ValueError unless so many test vectors can be written."""
    if isinstance(n, bool) or not isinstance(n, Integral) or not 0 <= n <= MOST:
        raise ValueError(f"Got test_vectors={n!r}, but expected an int in [0, {MOST}].")
    if n and test_data is None:
        raise ValueError(f"Got test_vectors={n} without test_data, whose rows they are. Pass both.")


@dataclass
class Streams:
    """Arrays by name, in the order in which numbers are used."""

    parts: dict = field(default_factory=dict)

    def add(self, name, values):
        """Put values at the end of the array of that name; returns the name."""
        self.parts.setdefault(name, []).append(values)
        return name

    def arrays(self):
        """The whole arrays by name, widest numbers first, so that nothing is padded."""
        joined = {name: np.concatenate(parts) for name, parts in self.parts.items()}
        return dict(sorted(joined.items(), key=lambda item: -item[1].itemsize))


def words_of(net, device, name):
    """What templates ask for of a model that is called so."""
    real = c_type(device.network.intercepts[0].dtype)
    return {
        "name": name,
        "upper": name.upper(),
        "real": real,
        "n_outputs": net.n_outputs,
        "n_features": net.n_features,
        "exp": "expf" if real == "float" else "exp",
        "tanh": "tanhf" if real == "float" else "tanh",
    }


def c_files(net, device, name, header, scores):
    """(header, source); `header` is the name of the file."""
    words = words_of(net, device, name)
    streams = Streams()
    code = _linear(net, device, streams, words)
    prototypes = []
    exponentials = net.network.out_activation == "exp"
    for what, prototype, body in _public("exponentials" if exponentials else net.kind):
        prototype, body = (Template(text).substitute(words) for text in (prototype, body))
        prototypes.append(f"/* {what} */\n{prototype};\n")
        code += f"\n{prototype}\n{{\n{body}}}\n"
    source = SOURCE.substitute(
        header=header, constants=_constants(name, streams.arrays()), code=code
    )
    return header_text(net, device, words, prototypes, scores), source


def _public(kind):
    yield PREDICT[kind]
    if kind in PROBA:
        what = "Puts probabilities into p; returns 0, or -1."
        yield what, "int ${name}_predict_proba(const $real *x, $real *p)", PROBA[kind]


def _linear(net, device, streams, words):
    """The function `linear`; its numbers go into `streams`."""
    inputs, variables, scaling = "x", [], ""
    first = first_used(device.layers)
    if device.input_scale is not None and first == 0:
        streams.add("input_scale", device.input_scale)
        inputs, scaling = "u", f"        u[j] = x[j] * {read(device.input_scale, 'input_scale')};\n"
        variables.append(f"{words['real']} u[{net.n_features}];")
    layers = []
    for l, layer in list(enumerate(device.layers, start=1))[first:]:
        last = l == len(device.layers)
        into = "z" if last else f"h{l}"
        phi = "identity" if last else net.network.activation
        layers.append(_layer(layer, inputs, into, phi, streams, words))
        if not last:
            variables.append(f"{words['real']} {into}[{layer.weights.shape[1]}];")
        inputs = into
    one_class = net.kind == "binary" and len(net.classes) == 1
    returns, result = RESULT["one class" if one_class else net.kind]
    variables += [
        f"const {c_type(parts[0].dtype)} *{name} = {words['name']}_model.{name};"
        for name, parts in streams.parts.items()
    ]
    variables.append("int j, best = 0;" if net.kind == "classes" else "int j;")
    return LINEAR.substitute(
        words,
        returns=returns,
        variables="\n".join(f"    {line}" for line in variables),
        scaling=scaling,
        layers="".join(layers),
        result=Template(result).substitute(words),
    )


def _layer(layer, inputs, into, phi, streams, words):
    """The code of one layer; its numbers go into `streams`."""
    rows, b = stored(layer.weights), layer.intercepts
    start, finish = read(b, "weights"), ""
    if layer.scale is None:  # each intercept before the weights of its unit
        ends = np.cumsum(_weights_per_unit(rows, layer.weights), dtype=np.intp)
        streams.add("weights", np.insert(rows.values, [0, *ends[:-1]], b))
    else:
        if rows.values.size:
            streams.add("weights", rows.values)
        streams.add("intercepts", b)
        intercept = read(b, "intercepts")
        start, finish = "0", f"        sum = {intercept} + {number(layer.scale)} * sum;\n"
    template, names = DENSE, {"weight": read(b if layer.scale is None else rows.values, "weights")}
    if rows.columns is not None:
        template = ROWS if rows.values.size else CONSTANT
        if rows.values.size:
            columns = streams.add(f"columns_{rows.columns.dtype.name}", rows.columns)
            counts = streams.add(f"counts_{rows.counts.dtype.name}", rows.counts)
            names |= {"column": read(rows.columns, columns), "count": read(rows.counts, counts)}
    return template.substitute(
        words,
        **names,
        units=len(b),
        fan_in=len(layer.weights),
        inputs=inputs,
        into=into,
        start=start,
        finish=finish,
        value=Template(PHI[phi]).substitute(words),
    )


def _weights_per_unit(rows, W):
    return np.full(W.shape[1], len(W)) if rows.counts is None else rows.counts


def _constants(name, arrays):
    """One struct of all arrays."""
    fields = "".join(f"    {c_type(a.dtype)} {name}[{a.size}];\n" for name, a in arrays.items())
    values = ",\n".join("{\n" + numbers(a) + "}" for a in arrays.values())
    return f"static const struct {{\n{fields}}} {name}_model SKLEARN_OBS_ROM = {{\n{values}\n}};\n"
