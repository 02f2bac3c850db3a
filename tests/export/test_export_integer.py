"""C in whole numbers against `integer_predict`, and that against the network it stands for."""

import re
import subprocess
import warnings
from copy import deepcopy

import numpy as np
import pytest
from c_programs import (
    CC,
    FLAGS,
    compiled,
    needs_avr,
    needs_c,
    needs_cpp,
    outputs,
    program_of,
    said_on_an_avr,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from small_nets import small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.export import export_c, integer_predict, size_report
from sklearn_obs.export.folding import folded
from sklearn_obs.export.integer import conversion, multipliers
from sklearn_obs.export.integer.conversion import LARGEST_SUM, in_integers
from sklearn_obs.export.integer.stream import stream_of

STRICT = [*FLAGS, "-pedantic", "-Wconversion", "-Wshadow"]
SANITIZED = [*STRICT, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
AS_CPP = ["-x", "c++", "-std=c++11", *STRICT[1:]]
DTYPES = ["float32", "int16", "int8", "uint8"]
N = 10_000


def quantized(pipeline, X, y, bits):
    """The pipeline, fitted, its last step on a grid."""
    model = pipeline.fit(X, y)
    inside = getattr(model, "regressor_", model)
    target = y if inside is model else model.transformer_.transform(np.c_[y]).squeeze()
    steps = inside[:-1].transform(X) if hasattr(inside, "steps") else X
    (inside[-1] if hasattr(inside, "steps") else inside).quantize(steps, target, bits=bits)
    return model


def whole(X, dtype, reach=None):
    """Columns as a device might measure them in that dtype: all of its range, or up to `reach`."""
    if dtype == "float32":
        return X.astype(np.float32).astype(float)
    limits = np.iinfo(dtype)
    low, high = (limits.min, limits.max) if reach is None else (max(limits.min, -reach), reach)
    unit = (X - X.min(axis=0)) / np.ptp(X, axis=0)
    return np.rint(low + unit * (high - low))


def rows_of_all_kinds(X, dtype, rng):
    """10,000 rows: of values in the columns of X, and of all that the dtype holds, ends too."""
    rows = np.column_stack([rng.choice(column, N) for column in X.T])
    if dtype == "float32":
        rows[: N // 4] *= rng.choice([0, 1e-40, 1, 1e3, 1e30, 3e38], (N // 4, X.shape[1]))
        with np.errstate(over="ignore"):
            return np.clip(rows, -3.4e38, 3.4e38).astype(np.float32).astype(float)
    limits = np.iinfo(dtype)
    rows[: N // 4] = rng.integers(limits.min, limits.max + 1, (N // 4, X.shape[1]))
    rows[: N // 8] = rng.choice([limits.min, limits.max], (N // 8, X.shape[1]))
    return rows


def c_type(dtype):
    return "float" if dtype == "float32" else f"{dtype}_t"


def assert_c_agrees(model, X, path, dtype, flags=SANITIZED, compiler=CC):
    """The program says what `integer_predict` says, on every row."""
    written = export_c(model, path, dtype="integer", input_dtype=dtype, overwrite=True)
    net = folded(model)
    found = integer_predict(model, X, input_dtype=dtype)
    calls = {"classes": "index", "binary": "index"}.get(net.kind, net.kind)
    options = {"real": c_type(dtype), "compiler": compiler}
    if net.kind == "values":
        program = compiled(written.source, calls, flags=flags, value="int32_t", **options)
        status, _, _, y = outputs(program, X, c_type(dtype))
        bits = in_integers(net, dtype).fraction_bits
        y = np.ldexp(y, -bits)
        y = np.exp(y) if net.network.out_activation == "exp" else y
        assert not status.any()
        assert_array_equal(y.squeeze(), found)
        return written
    macro = f"-D{path.stem.upper()}_PROBA"
    program = compiled(written.source, calls, flags=[*flags, macro], value="float", **options)
    index, status, sets, p = outputs(program, X, c_type(dtype))
    if net.kind == "labels":
        assert not index.any()
        assert_array_equal(sets, found)
    else:
        assert_array_equal(net.classes[index], found)
    assert not status.any()
    if net.kind == "classes":
        assert_allclose(p.sum(axis=1), 1, rtol=0, atol=1e-6)
        assert_allclose(p[np.arange(len(p)), index], p.max(axis=1), rtol=1e-6)
    return written


def model_of(kind, dtype, bits, **parameters):
    """A quantized pipeline of this kind of output, and the whole numbers it was trained on."""
    X, y = load_iris(return_X_y=True)
    X = whole(X, dtype)
    parameters = {"hidden_layer_sizes": (9, 5), "target_sparsity": 0.3, **parameters}
    net = small(max_iter=100, **parameters)
    if kind in ("values", "two values", "exponentials"):
        loss = "poisson" if kind == "exponentials" else "squared_error"
        net = small(OBSPrunedMLPRegressor, max_iter=100, loss=loss, **parameters)
    y = {
        "binary": np.where(y == 1, "b", "a"),
        "labels": np.column_stack([y == 0, X[:, 0] > np.median(X[:, 0])]).astype(int),
        "values": 1e4 * (y + 0.5),
        "two values": np.column_stack([y * 1e4, y * 1e-3 - 0.05]),
    }.get(kind, y)
    model = make_pipeline(StandardScaler(), net)
    if "values" in kind:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "weight_decay=")  # of few columns
        return quantized(model, X, y, bits), X, y


KINDS = ["classes", "binary", "labels", "values", "two values", "exponentials"]


@needs_c
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", [8, 4, 3, 2])
def test_c_is_the_reference_on_rows_of_all_kinds(tmp_path, dtype, bits):
    model, X, _ = model_of("classes", dtype, bits)
    rows = rows_of_all_kinds(X, dtype, np.random.default_rng(bits))
    assert_c_agrees(model, rows, tmp_path / "net.c", dtype)


@needs_c
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_c_is_the_reference_for_every_kind_of_output(tmp_path, kind, dtype):
    model, X, _ = model_of(kind, dtype, 4)
    rows = rows_of_all_kinds(X, dtype, np.random.default_rng(0))
    assert_c_agrees(model, rows, tmp_path / "net.c", dtype)


@needs_c
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (7,), (9, 300, 5)])
@pytest.mark.parametrize("sparsity", [0, 0.7, 0.97])
def test_c_is_the_reference_for_every_layer(tmp_path, activation, hidden, sparsity):
    of = {"hidden_layer_sizes": hidden, "activation": activation, "target_sparsity": sparsity}
    model, X, _ = model_of("classes", "int16", 3, criterion="magnitude", retrain_epochs=5, **of)
    assert_c_agrees(model, X, tmp_path / "net.c", "int16")


@needs_c
@pytest.mark.parametrize("bits", [8, 4, 2])
@pytest.mark.parametrize("density", [0.003, 0.03, 0.6])
def test_wide_layers(tmp_path, bits, density):
    """Escapes, more than 255 entries for a unit, indices of columns beyond 255."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (60, 1500)).astype(float)
    y = X[:, 0] > 127
    parameters = {"hidden_layer_sizes": (3,), "criterion": "magnitude", "retrain_epochs": 1}
    net = small(target_sparsity=1 - density, solver="lbfgs", alpha=1.0, **parameters)
    scaled, as_it_comes = StandardScaler(), MaxAbsScaler()
    for scaler in (scaled, as_it_comes):
        model = quantized(make_pipeline(scaler, deepcopy(net)), X, y, bits)
        for dtype in ("uint8", "float32"):
            assert_c_agrees(model, X, tmp_path / "net.c", dtype)


@needs_c
@pytest.mark.parametrize(
    ("flags", "compiler"),
    [(STRICT, "gcc"), pytest.param(AS_CPP, "g++", marks=needs_cpp)],
    ids=["C99", "C++"],
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_compilers_have_nothing_to_say(tmp_path, kind, dtype, flags, compiler):
    for bits, activation in ((8, "relu"), (4, "tanh"), (2, "logistic")):
        model, X, _ = model_of(kind, dtype, bits, activation=activation, solver="lbfgs")
        assert_c_agrees(model, X, tmp_path / "net.c", dtype, flags, compiler)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", [8, 4, 3, 2])
@pytest.mark.parametrize("kind", ["classes", "values"])
def test_no_sum_overflows_at_the_worst_inputs(kind, dtype, bits):
    """Each unit's largest sum is reached, in numbers without end; they stay below 2^31."""
    model, *_ = model_of(kind, dtype, bits)
    integers = in_integers(folded(model), dtype)
    smallest, largest = integers.inputs.smallest, integers.inputs.largest
    for layer in integers.layers:
        z = layer.weights.astype(object)
        for sign in (1, -1):
            worst = np.where(sign * layer.weights > 0, largest, smallest).astype(object)
            sums = (z * worst).sum(axis=0)
            assert max(map(abs, sums)) <= LARGEST_SUM
            shifted = [int(value) >> layer.shift for value in sums]
            mantissas = (layer.factors >> multipliers.SHIFT_BITS).astype(int).tolist()
            products = [a * b for a, b in zip(shifted, mantissas, strict=True)]
            with_intercepts = [a + int(b) for a, b in zip(products, layer.intercepts, strict=True)]
            for numbers in (products, with_intercepts):  # of which a shift makes only less
                assert min(numbers) >= -(2**31) and max(numbers) < 2**31
        smallest, largest = -127 if layer.phi in ("tanh", "identity") else 0, 255


@needs_c
@pytest.mark.parametrize("bits", [8, 2])
def test_worst_inputs_do_not_overflow_under_the_sanitizer(tmp_path, bits):
    """Each unit of the first layer is driven to its ends, by columns of sixteen bits."""
    rng = np.random.default_rng(0)
    X = rng.integers(-(2**15), 2**15, (300, 40)).astype(float)
    y = X[:, :20].sum(axis=1) > 0
    scaler = MaxAbsScaler().fit(np.full((1, 40), 2.0**15))
    net = small(target_sparsity=0, alpha=1.0).fit(scaler.transform(X), y)
    model = make_pipeline(scaler, net.quantize(scaler.transform(X), y, bits=bits))
    z = in_integers(folded(model), "int16").layers[0].weights
    ends = np.where(z > 0, 2**15 - 1, -(2**15)).T
    rows = np.vstack([ends, -1 - ends, X])
    assert_c_agrees(model, rows, tmp_path / "net.c", "int16")


def test_a_sum_that_might_overflow_is_refused(monkeypatch):
    """In 32 bits that takes a unit of more than 66,000 inputs of eight bits each."""
    model, X, _ = model_of("classes", "int16", 4)
    monkeypatch.setattr(conversion, "LARGEST_SUM", 1000)
    words = (
        r"unit \d in layer 1 might become \d+,\d+, for which 32 bits have no room.*Prune further"
    )
    with pytest.raises(ValueError, match=words):
        integer_predict(model, X, input_dtype="int16")


@needs_c
def test_columns_of_sixteen_bits_are_scaled_where_sums_have_no_room(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.integers(-(2**15), 2**15, (200, 300)).astype(float)
    scaler = MaxAbsScaler().fit(np.full((1, 300), 2.0**15))
    net = small(hidden_layer_sizes=(2,), target_sparsity=0, solver="lbfgs", alpha=1.0)
    net.fit(X / 2**15, X[:, 0] > 0).quantize(X / 2**15, X[:, 0] > 0, bits=8)
    net.coefs_[0] = 127 * np.sign(net.coefs_[0]) * net.weight_scales_[0]
    model = make_pipeline(scaler, net)
    assert in_integers(folded(model), "int16").inputs.way == "scaled"
    with pytest.raises(ValueError, match=r"column \d+ of X had values from -32.* in `quantize`"):
        integer_predict(model, X, input_dtype="uint8")
    assert_c_agrees(model, X, tmp_path / "net.c", "int16")


# against the network in real numbers


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler((-1, 1)), None])
def test_whole_numbers_are_near_real_ones(dtype, activation, scaler):
    """Each layer adds at most about a step to its units: half by rounding it, half by the table.

    A step of the inputs is 1/2047, of hidden units 1/127 of the largest, so that outputs are off
    by the sum of |w| of these; bounds are those of all of them at once.
    """
    X, y = load_diabetes(return_X_y=True)
    X = whole(X, dtype)
    if scaler is None:  # columns as they come
        scaler = MaxAbsScaler().fit(np.full((1, X.shape[1]), np.abs(X).max()))
    else:
        scaler = clone(scaler).fit(X)
    net = small(OBSPrunedMLPRegressor, activation=activation, hidden_layer_sizes=(6,))
    net.fit(scaler.transform(X), (y - y.mean()) / y.std())
    net.quantize(scaler.transform(X), (y - y.mean()) / y.std(), bits=4)
    model = make_pipeline(scaler, net)
    integers = in_integers(folded(model), dtype)
    hidden_step = net.activation_scales_[0]
    first, second = (np.abs(W) for W in net.coefs_)
    slope = {"logistic": 0.25}.get(activation, 1.0)
    in_step = 0 if integers.inputs.way == "as they come" else integers.inputs.step
    of_first = slope * (first.sum(axis=0) * in_step + net.weight_scales_[0] * integers.inputs.step)
    bound = second.T @ (of_first + 1.5 * hidden_step) + net.weight_scales_[1] * hidden_step
    slack = 1e-3 * np.abs(model.predict(X)).max()  # factors of eleven bits
    found = integer_predict(model, X, input_dtype=dtype)
    assert np.abs(found - model.predict(X)).max() <= bound[0] + slack


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_digits_keep_their_accuracy(dtype):
    X, y = load_digits(return_X_y=True)
    clf = OBSPrunedMLPClassifier((32,), target_sparsity=0.9, max_iter=60, random_state=0)
    clf.fit(X[:1200] / 16, y[:1200]).quantize(X[:1200] / 16, y[:1200], bits=4)
    model = make_pipeline(MaxAbsScaler().fit(np.full((1, 64), 16.0)), clf)
    same = integer_predict(model, X[1200:], input_dtype=dtype) == model.predict(X[1200:])
    assert same.mean() > 0.98  # of 597; labels that are nearly even may differ


@pytest.mark.parametrize("kind", ["values", "two values", "exponentials"])
def test_regressions_are_in_steps_of_powers_of_two(kind, tmp_path):
    model, X, y = model_of(kind, "uint8", 8)
    expected, found = model.predict(X), integer_predict(model, X, input_dtype="uint8")
    assert found.shape == expected.shape
    spread = np.std(y, axis=0)
    assert (np.sqrt(np.mean((found - expected) ** 2, axis=0)) < 0.02 * spread).all()
    header = export_c(model, tmp_path / "net.c", dtype="integer", input_dtype="uint8").header
    text = header.read_text()
    assert "#define NET_FRACTION_BITS " in text
    assert ("exponential" in text) == (kind == "exponentials")


def test_columns_in_other_orders_and_twice():
    X, y = load_iris(return_X_y=True)
    X = whole(X, "uint8")
    parts = [("a", StandardScaler(), [3, 1]), ("b", MinMaxScaler(), [1]), ("c", "drop", [0])]
    model = make_pipeline(ColumnTransformer(parts), small(max_iter=200))
    model = quantized(model, X, y, 8)
    found = integer_predict(model, X, input_dtype="uint8")
    assert (found == model.predict(X)).mean() > 0.98


@pytest.mark.parametrize("dtype", DTYPES)
def test_networks_that_read_nothing(dtype, tmp_path):
    model, X, _ = model_of("classes", dtype, 4, criterion="magnitude", target_sparsity=0.99)
    for W in model[-1].coefs_:
        W[:] = 0
    assert_array_equal(integer_predict(model, X, input_dtype=dtype), model.predict(X))
    if CC is not None:
        written = assert_c_agrees(model, X, tmp_path / "net.c", dtype)
        if dtype == "float32":
            rows = np.vstack([X[:1], X[:1] * np.nan])
            index, *_ = outputs(compiled(written.source, flags=[*FLAGS, "-DNET_PROBA"]), rows)
            assert index[0] >= 0 and index[1] == -1


def test_one_class(tmp_path):
    X, _ = load_iris(return_X_y=True)
    clf = small().fit(X, np.full(150, "only"))
    clf.quantize(X, np.full(150, "only"), bits=4)
    assert (integer_predict(clf, X) == "only").all()
    if CC is not None:
        assert_c_agrees(clf, X, tmp_path / "one.c", "float32")


# where a grid is coarse beside what else a unit adds up


@pytest.mark.parametrize("bits", [8, 4, 3, 2])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_binary_columns_are_as_good_as_floating_point(bits, activation):
    """Columns of 0 and 1 as they come: one step of an input is all there is between two weights."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (1500, 12)).astype(float)
    y = (X[:, 0] != X[:, 1]) ^ (X[:, 2:5].sum(axis=1) > 1)
    if activation == "identity":  # what a linear model can learn
        y = X[:, :3].sum(axis=1) > 1
    net = small(hidden_layer_sizes=(8,), activation=activation, solver="lbfgs", alpha=0.1)
    net.set_params(target_sparsity=0.3, max_iter=500).fit(X, y).quantize(X, y, bits=bits)
    expected, sure = net.predict(X), abs(net.predict_proba(X)[:, 0] - 0.5) > 0.1
    assert sure.mean() > 0.6
    for dtype in DTYPES:
        same = integer_predict(net, X, input_dtype=dtype) == expected
        assert same[sure].all()  # hidden units have eight bits, so that even odds may tip


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize("s", [0.3, 2.5, 7.0, 40.0])
def test_large_weights_reach_the_ends_of_tables(activation, s):
    net = small(OBSPrunedMLPRegressor, activation=activation, hidden_layer_sizes=(1,))
    X = np.array([[0.0], [1.0]] * 20)
    net.set_params(target_sparsity=0).fit(X, X[:, 0]).quantize(X, X[:, 0], bits=2)
    net.coefs_, net.weight_scales_ = [np.array([[s]]), np.ones((1, 1))], [np.array([s]), np.ones(1)]
    net.intercepts_ = [np.zeros(1), np.zeros(1)]
    net.activation_scales_ = np.array([1 / 127])
    exact = {"tanh": np.tanh, "logistic": lambda z: 1 / (1 + np.exp(-z))}[activation]
    for dtype in ("uint8", "float32"):
        found = integer_predict(net, X[:2], input_dtype=dtype)
        assert_allclose(found, exact(s * X[:2, 0]), rtol=0, atol=1.5 / 127)


@pytest.mark.parametrize("offset", [1.0, 1e3, 1e5, 1e7])
@pytest.mark.parametrize("bits", [8, 4, 2])
def test_a_large_offset_of_the_target_costs_nothing(offset, bits):
    X = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32).astype(float)
    y = offset + X[:, 0]
    net = small(OBSPrunedMLPRegressor, hidden_layer_sizes=(), target_sparsity=0, max_iter=200)
    model = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), net), transformer=StandardScaler()
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "weight_decay=")
        quantized(model, X, y, bits)
    apart = integer_predict(model, X) - model.predict(X)
    assert np.abs(apart).max() < 2e-3 * y.std() + 1e-8 * offset  # 11 bits; 30 of the offset


def test_a_large_offset_of_a_column_costs_nothing():
    X = np.random.default_rng(0).normal(size=(300, 2)).round(2)
    y = X[:, 0] > 0
    net = small(hidden_layer_sizes=(), target_sparsity=0, solver="lbfgs", max_iter=200)
    net.fit(X, y).quantize(X, y, bits=4)
    far = deepcopy(net)
    far.intercepts_[0] = net.intercepts_[0] - 2e5 * net.coefs_[0][0]
    offset = np.array([2e5, 0])
    far.input_range_, moved = net.input_range_ + offset, X + offset
    assert (integer_predict(far, moved) == far.predict(moved.astype(np.float32))).mean() > 0.97


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_a_heavy_tail_leaves_the_other_columns_their_bits(dtype):
    """One column reaches 100 times as far as it usually does."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.lognormal(0, 1.5, 2000), rng.normal(size=(2000, 2))])
    y = X[:, 1] * X[:, 2] > 0
    X = np.rint(100 * X)
    model = make_pipeline(RobustScaler(), small(hidden_layer_sizes=(20,), alpha=1.0))
    model.set_params(obsprunedmlpclassifier__target_sparsity=0.2)
    model.set_params(obsprunedmlpclassifier__max_iter=300)
    quantized(model, np.clip(X, None, 32767), y, 8)
    X = np.clip(X, None, 32767)
    assert (integer_predict(model, X, input_dtype=dtype) == model.predict(X)).mean() > 0.95


@pytest.mark.filterwarnings("ignore:On these samples the network")  # it is hardly trained
@pytest.mark.parametrize("scaled", [False, True])
def test_columns_on_different_scales_without_a_scaler_are_named(scaled):
    rng = np.random.default_rng(0)
    X = rng.uniform(0, [2, 100_000, 1, 1], (400, 4))
    y = (X[:, 0] > 1) ^ (X[:, 1] > 50_000)
    net = small(hidden_layer_sizes=(8,), solver="lbfgs", target_sparsity=0, max_iter=500)
    model = quantized(make_pipeline(StandardScaler(), net) if scaled else net, X, y, 8)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = integer_predict(model, X)
    if scaled:
        assert not caught and (found == model.predict(X)).mean() > 0.99
    else:
        (message,) = (str(warning.message) for warning in caught)
        assert message.startswith("Columns 0, 2, 3 of X have less than 8 different values")
        assert "the step of column 1" in message and caught[0].filename == __file__


def test_columns_of_next_to_no_size_are_refused():
    X, y = load_iris(return_X_y=True)
    model = quantized(make_pipeline(StandardScaler(), small()), X * 1e-42, y, 4)
    with pytest.raises(ValueError, match="too large for float32 once its scalers"):
        integer_predict(model, X * 1e-42)


def test_columns_are_found_by_name():
    frame = load_iris(as_frame=True).frame
    X, y = frame.iloc[:, :4], frame["target"]
    parts = ColumnTransformer([("a", StandardScaler(), list(X.columns[[2, 0]]))])
    for model in (make_pipeline(parts, small()), make_pipeline(StandardScaler(), small())):
        quantized(model, X, y, 8)
        turned = X[X.columns[::-1]]
        assert_array_equal(integer_predict(model, turned), integer_predict(model, X))
        net = folded(model)
        assert_array_equal(net.predict(net.network, turned), net.predict(net.network, X))
        with pytest.raises(ValueError, match="X has no column 'petal"):
            integer_predict(model, X.iloc[:, :2])


@needs_c
def test_columns_beyond_sixteen_bits(tmp_path):
    X = np.zeros((40, 70_000), np.float32)
    X[:, [3, 69_999]] = np.random.default_rng(0).normal(size=(40, 2))
    for column, refused in ((65_535, False), (69_999, True)):
        parts = ColumnTransformer([("a", "passthrough", [3, column])])
        model = quantized(make_pipeline(parts, small()), X, X[:, 3] > 0, 4)
        if refused:
            with pytest.raises(ValueError, match=r"reads column 69999, .*indices of 16 bits"):
                export_c(model, tmp_path / "net.c", dtype="integer", overwrite=True)
        else:
            assert_c_agrees(model, X, tmp_path / "net.c", "float32", FLAGS)


def test_more_entries_than_their_number_can_say_are_packed():
    z = np.zeros((300_000, 1), int)
    z[::4] = 1
    assert stream_of(z, 2).form == "packed"
    assert stream_of(z[: 4 * 60_000], 2).form == "packed"
    z[::40] = 0
    assert_array_equal(decoded(stream_of(z, 4), len(z)), z)


# parts


def decoded(stream, n_inputs):
    """The weights that a stream of bytes stands for, decoded as its description says."""
    data, columns = iter(stream.bytes().tolist()), []
    half = 2 ** (stream.bits - 1)
    for _ in stream.units:
        column = [0] * n_inputs
        if stream.form == "packed":
            per_byte = 8 // stream.bits
            for first in range(0, n_inputs, per_byte):
                byte = next(data)
                for k in range(first, min(first + per_byte, n_inputs)):
                    code, byte = byte % 2**stream.bits, byte >> stream.bits
                    column[k] = code - half if stream.bits < 8 else (code + 128) % 256 - 128
            columns.append(column)
            continue
        n = sum(next(data) << 8 * byte for byte in range(stream.count_bytes))
        at = 0
        for _ in range(n):
            if stream.form == "pairs":
                skip, weight = next(data), (next(data) + 128) % 256 - 128
            else:
                byte = next(data)
                code = byte % 2**stream.bits
                skip, weight = (byte, 0) if code == 0 else (byte >> stream.bits, code - half)
            at += skip
            if weight:
                column[at] = weight
                at += 1
        columns.append(column)
    assert next(data, None) is None
    return np.array(columns).T.reshape(n_inputs, len(stream.units))


@pytest.mark.parametrize("bits", [8, 4, 3, 2])
@pytest.mark.parametrize("n_inputs", [1, 3, 64, 1000])
@pytest.mark.parametrize("density", [0.002, 0.02, 0.1, 0.5, 1])
def test_streams_of_weights_can_be_read_back(bits, n_inputs, density):
    rng = np.random.default_rng(n_inputs)
    most = 2 ** (bits - 1) - 1
    z = rng.integers(-most, most + 1, (n_inputs, 7)) * (rng.random((n_inputs, 7)) < density)
    stream = stream_of(z, bits)
    if not z.any():
        assert not stream.bytes().size
        return
    assert_array_equal(decoded(stream, n_inputs), z)
    width = {3: 4}.get(bits, bits)
    assert stream.bytes().size <= 7 * -(-n_inputs * width // 8)  # never more than all of them


@pytest.mark.parametrize("bits", [4, 3, 2])
def test_every_skip_is_found_again(bits):
    for skip in range(1200):
        z = np.zeros((skip + 1, 1), int)
        z[skip] = -1
        z = np.vstack([z, np.zeros((5000, 1), int)])  # so that it is not packed
        stream = stream_of(z, bits)
        assert stream.form == "shared"
        assert_array_equal(decoded(stream, len(z)), z)


def test_factors_of_sixteen_bits():
    factors = np.concatenate([2.0 ** np.linspace(-20, 10.9, 500), [1, 2047, 2047.4]])
    found = multipliers.values(multipliers.codes(factors))
    assert_allclose(found, factors, rtol=2.0**-11)
    assert_array_equal(multipliers.values(multipliers.codes(np.array([1e-30, 1e9]))), [0, 2047])
    x = np.array([-1000, -1, 0, 1, multipliers.LARGEST_TIMES])
    for factor in (0.3, 1.0, 5e-4, 1500.0):
        code = multipliers.codes(np.array([factor]))
        exact = np.floor(x * multipliers.values(code))  # of numbers below 2^53
        assert_array_equal(multipliers.times(x, code), exact)


# what stands in the files


def test_integer_inputs_need_no_floating_point(tmp_path):
    for kind in KINDS:
        model, *_ = model_of(kind, "uint8", 4, activation="tanh")
        written = export_c(
            model, tmp_path / "net.c", dtype="integer", input_dtype="uint8", overwrite=True
        )
        predict = written.source.read_text().split("#ifdef NET_PROBA\nint")[0]
        for word in ("float", "double", "exp", "tanh", "e-"):
            assert word not in predict.replace("of tanh", "")


@needs_c
def test_weights_that_are_bits_are_not_multiplied(tmp_path):
    model, *_ = model_of("classes", "uint8", 2)
    source = export_c(model, tmp_path / "n.c", dtype="integer", input_dtype="uint8").source
    for line in source.read_text().splitlines():
        assert "* *h" not in line


@needs_c
def test_bytes_are_those_of_the_constants(tmp_path):
    model, *_ = model_of("classes", "float32", 4)
    written = export_c(model, tmp_path / "net.c", dtype="integer")
    table = size_report(model, dtype="integer")
    assert table["c_bytes"].iloc[-1] == written.n_bytes
    subprocess.run([CC, *FLAGS, "-c", written.source, "-o", tmp_path / "net.o"], check=True)
    done = subprocess.run(["size", "-A", tmp_path / "net.o"], capture_output=True, text=True)
    sizes = dict(line.split()[:2] for line in done.stdout.splitlines() if line.startswith("."))
    # the compiler's own tables and alignment: a few constants of sixteen bytes
    assert 0 <= int(sizes[".rodata"]) - written.n_bytes <= 16


def test_scores_are_those_of_the_device(tmp_path):
    model, X, y = model_of("classes", "uint8", 3)
    written = export_c(
        model, tmp_path / "net.c", dtype="integer", input_dtype="uint8", test_data=(X, y)
    )
    assert written.exported_score == np.mean(integer_predict(model, X, input_dtype="uint8") == y)
    assert f"Accuracy on test data: {written.exported_score:.4f}" in written.header.read_text()


@needs_c
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_predict_refuses_are_refused(tmp_path, value):
    model, X, _ = model_of("classes", "float32", 4, target_sparsity=0.8)
    written = export_c(model, tmp_path / "net.c", dtype="integer")
    program = compiled(written.source, flags=[*FLAGS, "-DNET_PROBA"])
    for column in range(4):  # read or not
        rows = X[:2].copy()
        rows[1, column] = value
        index, status, *_ = outputs(program, rows)
        assert index[0] >= 0 and index[1] == -1
        assert_array_equal(status, [0, -1])


@needs_c
def test_fast_math_stops_the_compiler_where_there_is_a_check(tmp_path):
    model, *_ = model_of("classes", "float32", 4)
    export_c(model, tmp_path / "net.c", dtype="integer")
    command = [CC, "-std=c99", "-ffast-math", "-c", tmp_path / "net.c", "-o", tmp_path / "net.o"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode and "add -fno-finite-math-only" in done.stderr
    export_c(model, tmp_path / "net.c", dtype="integer", input_dtype="int16", overwrite=True)
    assert subprocess.run(command, capture_output=True).returncode == 0


# test vectors, on this computer and on an AVR


def spoiled(written):
    """The same program with the first number that it expects another one."""
    head, rows = written.test.read_text().split("expected[N]")
    first = re.search(r"\n\{(-?\d+)", rows)
    wrong = str(int(first[1]) + 1)
    written.test.write_text(
        f"{head}expected[N]{rows[: first.start(1)]}{wrong}{rows[first.end(1) :]}"
    )


@needs_c
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_vectors_agree_and_a_wrong_one_is_found(tmp_path, kind, dtype):
    model, X, y = model_of(kind, dtype, 4)
    options = {"input_dtype": dtype, "test_data": (X, y), "test_vectors": 12}
    written = export_c(model, tmp_path / "net.c", dtype="integer", **options)
    command = (CC, *STRICT)
    assert program_of(written, tmp_path, command) == ("12 of 12 test vectors agree\n", 0)
    spoiled(written)
    assert program_of(written, tmp_path, command) == ("11 of 12 test vectors agree\n", 1)


@needs_avr
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("dtype", "bits", "activation"),
    [
        ("float32", 3, "relu"),
        ("int16", 8, "identity"),
        ("int8", 4, "tanh"),
        ("uint8", 2, "logistic"),
    ],
)
def test_vectors_agree_on_an_avr(tmp_path, kind, dtype, bits, activation):
    model, X, y = model_of(kind, dtype, bits, activation=activation)
    options = {"input_dtype": dtype, "test_data": (X, y), "test_vectors": 9}
    written = export_c(model, tmp_path / "net.c", dtype="integer", **options)
    assert said_on_an_avr(written, tmp_path) == " 9 of 9 test vectors agree"


@needs_avr
def test_columns_of_sixteen_bits_as_they_come_on_an_avr(tmp_path):
    """Where an int has sixteen bits, products have to be made of more."""
    X = np.random.default_rng(0).choice([-(2.0**15), 2**15 - 1], (300, 8))
    y = (X[:, :3].sum(axis=1) > 0).astype(int)
    scaler = MaxAbsScaler().fit(np.full((1, 8), 2.0**15))
    for bits in (8, 4, 2):
        net = small(target_sparsity=0).fit(X / 2**15, y).quantize(X / 2**15, y, bits=bits)
        model = make_pipeline(scaler, net)
        options = {"input_dtype": "int16", "test_data": (X, y), "test_vectors": 20}
        path = tmp_path / "net.c"
        written = export_c(model, path, dtype="integer", overwrite=True, **options)
        assert said_on_an_avr(written, tmp_path) == "20 of 20 test vectors agree"


def test_each_class_is_among_the_vectors(tmp_path):
    model, X, y = model_of("classes", "uint8", 4)
    order = np.argsort(model.predict(X), kind="stable")  # evenly drawn rows would miss the second
    kept = np.r_[order[:100], order[(model.predict(X) == 1).argmax()], order[-100:]]
    options = {"input_dtype": "uint8", "test_data": (X[kept], y[kept]), "test_vectors": 4}
    written = export_c(model, tmp_path / "net.c", dtype="integer", **options)
    expected = written.test.read_text().split("expected[N]")[1].split("};")[0]
    found = set(re.findall(r"\{(\d+)\}", expected))
    assert found == set(map(str, np.unique(model.predict(X[kept]))))


# bad input


def test_a_network_that_is_not_quantized(tmp_path):
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), small()).fit(X, y)
    words = r"on a grid of few bits\. Call quantize\(X, y, bits=4\) on the OBSPruned"
    with pytest.raises(ValueError, match=words):
        export_c(model, tmp_path / "net.c", dtype="integer")
    with pytest.raises(ValueError, match=words):
        integer_predict(model, X)
    assert not list(tmp_path.iterdir())


def test_a_pipeline_that_cannot_be_folded():
    X, y = load_iris(return_X_y=True)
    model = quantized(make_pipeline(PCA(2), small()), X, y, 4)
    with pytest.raises(TypeError, match="a PCA, but it cannot be folded into a network"):
        integer_predict(model, X)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"input_dtype": "int32"}, "Got input_dtype='int32', but expected one of float32, int16"),
        (
            {"dtype": "int4"},
            "Got dtype='int4', but expected one of float32, float64, int8, integer",
        ),
        ({"dtype": "float32", "input_dtype": "uint8"}, "but it needs dtype='integer'"),
    ],
)
def test_unknown_numbers(tmp_path, arguments, words):
    model, *_ = model_of("classes", "uint8", 4)
    with pytest.raises(ValueError, match=words):
        export_c(model, tmp_path / "net.c", **({"dtype": "integer"} | arguments))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.5, r"Got 0\.5 in row 1, column 2 of X, but expected whole numbers from 0 to 255"),
        (-1, "Got -1 in row 1, column 2"),
        (256, "Got 256 in row 1, column 2"),
        (np.nan, "NaN"),
    ],
)
def test_numbers_that_the_device_has_not(value, words):
    model, X, _ = model_of("classes", "uint8", 4)
    X = X.copy()
    X[1, 2] = value
    with pytest.raises(ValueError, match=words):
        integer_predict(model, X, input_dtype="uint8")
    with pytest.raises(ValueError, match="X has 3 features, but expected 4"):
        integer_predict(model, X[3:, :3], input_dtype="uint8")
