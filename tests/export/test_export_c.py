"""Exported C against `predict` and `predict_proba`: every row, compiled with all warnings."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
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
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)
from small_nets import small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV, OBSPrunedMLPRegressor
from sklearn_obs.export import export_c
from sklearn_obs.export.folding import folded
from sklearn_obs.network import forward

# a probability moves by at most a quarter of what its logit does; logits are a few units, sums of
# tens of numbers, each rounded to 6e-8 (1.1e-16)
TOLERANCE = {"float": 1e-5, "double": 1e-12}
REALS = [("float32", "float"), ("float64", "double")]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    clf = OBSPrunedMLPClassifier((32,), target_sparsity=0.9, max_iter=60, random_state=0)
    return clf.fit(X / 16, y), X / 16, y


def assert_agrees(model, X, path, dtype="float32", real="float", flags=FLAGS):
    """The program says what the classifier says, on every row; returns the probabilities."""
    program = compiled(export_c(model, path, dtype=dtype).source, real=real, flags=flags)
    index, status, _, p = outputs(program, X, real)
    assert_array_equal(status, 0)
    assert_array_equal(model.classes_[index], model.predict(X))
    assert_allclose(p, model.predict_proba(X), rtol=0, atol=TOLERANCE[real])
    return p


@needs_c
@pytest.mark.parametrize("dtype, real", REALS)
def test_digits(digits, tmp_path, dtype, real):
    clf, X, _ = digits
    assert_agrees(clf, X, tmp_path / "digits.c", dtype, real)


@needs_c
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (7,), (9, 300, 5)])
@pytest.mark.parametrize("sparsity", [0, 0.7])
def test_layers(iris, tmp_path, activation, hidden, sparsity):
    X, y = iris
    clf = small(hidden_layer_sizes=hidden, activation=activation, target_sparsity=sparsity)
    assert_agrees(clf.fit(X, y), X, tmp_path / "iris.c")


@needs_c
@pytest.mark.parametrize("dtype, real", REALS)
def test_two_classes(tmp_path, dtype, real):
    X, y = load_breast_cancer(return_X_y=True)
    labels = np.array(["malignant", "benign"])[y]
    model = make_pipeline(StandardScaler(), small(target_sparsity=0.8)).fit(X, labels)
    p = assert_agrees(model, X, tmp_path / "cancer.c", dtype, real)
    assert p.shape == (569, 2)
    assert '#define CANCER_CLASSES {"benign", "malignant"}' in (tmp_path / "cancer.h").read_text()


@needs_c
@pytest.mark.parametrize("sparsity", [0, 0.7])
@pytest.mark.parametrize("dtype, real", [*REALS, ("int8", "float")])
def test_one_class(iris, tmp_path, dtype, real, sparsity):
    X, _ = iris
    clf = small(target_sparsity=sparsity).fit(X, np.full(150, "only"))
    written = export_c(clf, tmp_path / "one.c", dtype=dtype, test_data=(X, np.full(150, "only")))
    assert written.score == written.exported_score == 1
    index, status, _, p = outputs(compiled(written.source, real=real), X, real)
    assert not index.any() and not status.any()
    rounding = 0.2 if dtype == "int8" else TOLERANCE[real]
    assert_allclose(p, clf.predict_proba(X), rtol=0, atol=rounding)
    assert "p has 2 probabilities, of the only class in ONE_CLASSES" in written.header.read_text()


@needs_c
def test_label_sets(iris, tmp_path):
    X, y = iris
    Y = np.column_stack([y == 0, y < 2, X[:, 0] > 0]).astype(int)
    clf = small(target_sparsity=0.5, max_iter=200).fit(X, Y)
    program = compiled(export_c(clf, tmp_path / "sets.c").source, "labels")
    status, status_proba, found, p = outputs(program, X)
    assert not status.any() and not status_proba.any()
    assert_array_equal(found, clf.predict(X))
    assert_allclose(p, clf.predict_proba(X), rtol=0, atol=TOLERANCE["float"])


@needs_c
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_regression_with_a_scaled_target(tmp_path, n_outputs):
    X, y = load_diabetes(return_X_y=True)
    y = 100 + 50 * np.column_stack([y, X[:, 0], -y])[:, :n_outputs].squeeze()
    net = make_pipeline(StandardScaler(), small(OBSPrunedMLPRegressor, max_iter=50))
    model = TransformedTargetRegressor(net, transformer=StandardScaler()).fit(X, y)
    program = compiled(export_c(model, tmp_path / "values.c").source, "values")
    status, _, _, found = outputs(program, X)
    assert not status.any()
    scale = np.abs(y).max()
    expected = model.predict(X).reshape(len(X), -1)
    assert_allclose(found, expected, rtol=0, atol=TOLERANCE["float"] * scale)


def rows_of_all_sizes(rng, n_features):
    """10,000 rows: of zeros, of numbers near 1, of 1e6, and denormal ones."""
    X = rng.normal(size=(10_000, n_features))
    X[:100] = 0
    X[100:200] *= rng.random((100, n_features)) < 0.5  # some zeros
    X[200:3000] *= 1e6
    X[3000:5000] *= 1e-40  # denormal in float32
    return X.astype(np.float32).astype(float)


@needs_c
@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
@pytest.mark.parametrize("dtype, real", REALS)
def test_rows_of_all_sizes_under_sanitizers(tmp_path, scaler, dtype, real):
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(scaler, small(target_sparsity=0.5, max_iter=100)).fit(X, y)
    flags = [*FLAGS, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    rows = rows_of_all_sizes(np.random.default_rng(0), 4)
    assert_agrees(model, rows, tmp_path / "iris.c", dtype, real, flags)


@needs_c
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_predict_refuses_are_refused(digits, tmp_path, value):
    clf, X, _ = digits
    program = compiled(export_c(clf, tmp_path / "digits.c").source)
    for column in (0, 20, 63):  # read or not
        rows = X[:2].copy()
        rows[1, column] = value
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            clf.predict(rows)
        index, status, *_ = outputs(program, rows)
        assert index[0] >= 0 and index[1] == -1
        assert_array_equal(status, [0, -1])


@needs_c
def test_eight_bits_do_what_they_say(digits, tmp_path):
    clf, X, y = digits
    written = export_c(clf, tmp_path / "digits.c", dtype="int8", test_data=(X, y))
    index, *_ = outputs(compiled(written.source), X)
    assert np.mean(index == y) == written.exported_score  # the emulation is the C
    assert written.score == clf.score(X, y)
    assert written.exported_score > written.score - 0.01
    n = clf.n_weights_
    assert written.n_bytes < 2 * n + 5 * (32 + 10)  # a byte a weight, one its column; intercepts
    assert f"{written.exported_score:.4f}" in written.header.read_text()


def scored_otherwise(kind):
    """Models whose own score is another quantity, and that quantity's name in the header."""
    X, y = load_iris(return_X_y=True)
    scaled = make_pipeline(StandardScaler(), small(max_iter=100))
    grid = {"mlp__target_sparsity": [0.2, 0.5]}
    steps = [("scale", StandardScaler()), ("mlp", small(max_iter=100))]
    two_steps = [("scale", StandardScaler()), ("mlp", small(OBSPrunedMLPRegressor))]
    search = {"sparsities": [0.2, 0.5], "cv": 2}
    loss, error = {"scoring": "neg_log_loss"}, {"scoring": "neg_mean_absolute_error"}
    both = {"scoring": ["neg_log_loss", "accuracy"], "refit": "neg_log_loss"}
    regressor = small(OBSPrunedMLPRegressor, max_iter=100)
    models = {
        "accuracy": scaled,
        "search": OBSPrunedMLPCV(small(max_iter=100), **search, **loss),
        "search in a pipeline": make_pipeline(
            StandardScaler(), OBSPrunedMLPCV(small(max_iter=100), **search, **loss)
        ),
        "grid": GridSearchCV(Pipeline(steps), grid, cv=2, **loss),
        "grid of several": GridSearchCV(Pipeline(steps), grid, cv=2, **both),
        "regression": OBSPrunedMLPCV(regressor, **search, **error),
        "grid of a regression": GridSearchCV(Pipeline(two_steps), grid, cv=2, **error),
        "scaled target": TransformedTargetRegressor(
            OBSPrunedMLPCV(clone(regressor), **search, **error), transformer=StandardScaler()
        ),
    }
    return models[kind].fit(X, y), X, y


@pytest.mark.parametrize("dtype", ["float64", "int8"])
@pytest.mark.parametrize(
    "kind",
    [
        "accuracy",
        "search",
        "search in a pipeline",
        "grid",
        "grid of several",
        "regression",
        "grid of a regression",
        "scaled target",
    ],
)
def test_both_scores_are_of_one_kind(kind, dtype, tmp_path):
    model, X, y = scored_otherwise(kind)
    written = export_c(model, tmp_path / "model.c", dtype=dtype, test_data=(X, y))
    values = "regression" in kind or "target" in kind
    metric, measure = ("R^2", r2_score) if values else ("Accuracy", accuracy_score)
    assert written.score == measure(y, model.predict(X))
    if dtype == "float64":
        assert written.exported_score == pytest.approx(written.score, abs=1e-9)
    both = f"{metric} on test data: {written.exported_score:.4f}; of the model in Python "
    assert f"{both}{written.score:.4f}." in written.header.read_text().replace("\n * ", " ")


@needs_c
def test_eight_bits_under_a_scaler_of_very_unequal_columns(tmp_path):
    X, y = load_iris(return_X_y=True)
    X = X * [1e5, 1, 1e-3, 30] + [1e6, 0, 1, -5]
    model = make_pipeline(StandardScaler(), small(max_iter=300, target_sparsity=0.3)).fit(X, y)
    written = export_c(model, tmp_path / "iris.c", dtype="int8", test_data=(X, y))
    index, _, _, p = outputs(compiled(written.source), X)
    assert np.mean(index == y) == written.exported_score > written.score - 0.03
    # weights are rounded to 1/254 of the largest: two layers of some six weights near 1 each
    assert_allclose(p, model.predict_proba(X), rtol=0, atol=0.05)


@needs_c
def test_constant_networks(iris, tmp_path):
    X, y = iris
    clf = small(criterion="magnitude", target_sparsity=0.99).fit(X, y)
    assert clf.n_weights_ <= 1
    for dtype in ("float32", "int8"):
        program = compiled(export_c(clf, tmp_path / "none.c", dtype=dtype, overwrite=True).source)
        assert_allclose(outputs(program, X)[-1], clf.predict_proba(X), rtol=0, atol=1e-6)


@needs_c
def test_wide_layers_take_wider_indices(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 300))
    y = (X[:, 0] > 0) + (X[:, 299] > 0).astype(int)
    clf = small(hidden_layer_sizes=(280, 4), target_sparsity=0.5, criterion="magnitude").fit(X, y)
    assert_agrees(clf, X, tmp_path / "wide.c")
    source = (tmp_path / "wide.c").read_text()
    assert "uint16_t columns_uint16[" in source and "uint8_t counts_uint8[" in source


FOLDED = {
    "standard": StandardScaler(),
    "mean only": StandardScaler(with_std=False),
    "std only": StandardScaler(with_mean=False),
    "min max": MinMaxScaler((-1, 3)),
    "max abs": MaxAbsScaler(),
    "robust": RobustScaler(),
    "robust, centred": RobustScaler(with_scaling=False),
    "robust, scaled": RobustScaler(with_centering=False),
    "none": "passthrough",
    "function": FunctionTransformer(),
    "chain": make_pipeline(MinMaxScaler(), "passthrough", SelectKBest(k=3), StandardScaler()),
    "variance": VarianceThreshold(0.3),
    "parts": ColumnTransformer(
        [
            ("a", StandardScaler(), [3, 1]),
            ("b", "passthrough", slice(1, 3)),
            ("c", MinMaxScaler(), [False, True, False, False]),
            ("d", "drop", [0]),
            ("e", make_pipeline(RobustScaler(), MinMaxScaler()), [2]),
        ]
    ),
    "rest": ColumnTransformer([("a", StandardScaler(), [2])], remainder=MinMaxScaler()),
    "rest as it is": ColumnTransformer([("a", StandardScaler(), [2])], remainder="passthrough"),
}


@pytest.mark.parametrize("step", FOLDED.values(), ids=FOLDED)
def test_what_is_folded_is_the_pipeline(step):
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(step, small(max_iter=100, target_sparsity=0.3)).fit(X, y)
    net = folded(model)
    expected = model.predict_proba(X)
    assert_allclose(forward(net.network, X)[-1], expected, rtol=0, atol=TOLERANCE["double"])
    assert_array_equal(net.predict(net.network, X), model.predict(X))
    assert net.n_features == 4


def test_columns_by_name():
    frame = load_iris(as_frame=True).frame
    X, y = frame.iloc[:, :4], frame["target"]
    first, *_, last = X.columns
    parts = [("a", StandardScaler(), [last, first]), ("b", MinMaxScaler(), slice(first, last))]
    model = make_pipeline(ColumnTransformer(parts), small(max_iter=100)).fit(X, y)
    net = folded(model)
    assert net.feature_names == list(X.columns)
    assert_array_equal(net.predict(net.network, X), model.predict(X))


def test_searches_hold_a_model(iris):
    X, y = iris
    search = GridSearchCV(small(), {"target_sparsity": [0.2, 0.5]}, cv=2).fit(X, y)
    path = OBSPrunedMLPCV(small(), sparsities=[0.2, 0.5], cv=2).fit(X, y)
    for model in (search, path, make_pipeline(StandardScaler(), path).fit(X, y)):
        net = folded(model)
        assert_array_equal(net.predict(net.network, X), model.predict(X))


def test_networks_of_scikit_learn(iris):
    X, y = iris
    for cls in (MLPClassifier, MLPRegressor):
        model = cls(
            hidden_layer_sizes=(5,), max_iter=200, random_state=0, n_iter_no_change=3, tol=0.1
        ).fit(X, y)
        net = folded(model)
        assert_allclose(net.predict(net.network, X), model.predict(X), rtol=1e-10)


def test_zeros_of_a_network_of_scikit_learn_take_no_room(digits, tmp_path):
    """And there is no warning that they would count as weights."""
    clf, X, _ = digits
    ours = export_c(clf, tmp_path / "ours.c")
    theirs = export_c(clf.to_sklearn(), tmp_path / "theirs.c")
    assert theirs.n_bytes == ours.n_bytes
    net = folded(clf.to_sklearn())
    assert_array_equal(net.predict(net.network, X), clf.predict(X))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (LogisticRegression(), "Got a LogisticRegression, but expected a fitted OBSPrunedMLP"),
        (
            make_pipeline(PCA(2), small()),
            "a PCA, but it cannot be folded into a network. Expected only Stand",
        ),
        (
            make_pipeline(MinMaxScaler(clip=True), small()),
            "clip=True, but a clipped column cannot be folded",
        ),
        (
            make_pipeline(ColumnTransformer([("a", OneHotEncoder(), [0])]), small()),
            "a OneHotEncoder, but it cannot be folded",
        ),
        (
            make_pipeline(FunctionTransformer(np.abs), small()),
            "a FunctionTransformer, but it cannot",
        ),
    ],
)
def test_unsupported_models_say_what_is_supported(model, words, tmp_path):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(TypeError, match=words):
        export_c(model.fit(np.round(X), y), tmp_path / "model.c")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "model", [small(), make_pipeline(StandardScaler(), small()), MLPClassifier()]
)
def test_unfitted(model, tmp_path):
    with pytest.raises(NotFittedError):
        export_c(model, tmp_path / "model.c")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"dtype": "int4"}, ValueError, "Got dtype='int4', but expected one of float32, float64"),
        ({"path": "model.h"}, ValueError, "ends in '.c'"),
        ({"path": "model"}, ValueError, "ends in '.c'"),
        ({"path": "3d.c"}, ValueError, "Got name='3d', but expected a C identifier"),
        ({"name": "a b"}, ValueError, "Got name='a b'"),
        ({"name": "é"}, ValueError, "Got name='é'"),
        ({"path": "no/folder/model.c"}, FileNotFoundError, "There is no folder"),
    ],
)
def test_bad_arguments(digits, tmp_path, arguments, error, words):
    path = (
        tmp_path / arguments.pop("path", "model.c") if "path" in arguments else tmp_path / "model.c"
    )
    with pytest.raises(error, match=words):
        export_c(digits[0], path, **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scaled", [False, True])
def test_the_header_says_who_scales(iris, tmp_path, scaled):
    X, y = iris
    steps = [StandardScaler()] if scaled else []
    export_c(make_pipeline(*steps, small()).fit(X + 1, y), tmp_path / "model.c")
    assert ("give x as it was before the scaler" in (tmp_path / "model.h").read_text()) == scaled


def test_names_are_made_of_the_file_name(digits, tmp_path):
    export_c(digits[0], tmp_path / "my-model v2.c")
    assert "int my_model_v2_predict(" in (tmp_path / "my-model v2.h").read_text()


@pytest.mark.parametrize("existing", ["model.c", "model.h"])
def test_existing_files_stay(digits, tmp_path, existing):
    (tmp_path / existing).write_text("mine")
    with pytest.raises(FileExistsError, match=r"model\.[ch]' exists. Pass overwrite=True"):
        export_c(digits[0], tmp_path / "model.c")
    assert [path.name for path in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text() == "mine"
    export_c(digits[0], tmp_path / "model.c", overwrite=True)
    assert (tmp_path / existing).read_text() != "mine"


def test_nothing_half_written_is_left(digits, tmp_path, monkeypatch):
    write_bytes, calls = Path.write_bytes, []

    def full_disk(path, data):
        calls.append(path)
        if len(calls) == 2:
            write_bytes(path, data[:100])
            raise OSError(28, "No space left on device")
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space left"):
        export_c(digits[0], tmp_path / "model.c")
    assert len(calls) == 2 and not list(tmp_path.iterdir())


def test_numbers_too_large_for_float32(iris, tmp_path):
    X, y = iris
    model = make_pipeline(StandardScaler(), small()).fit(X * 1e-42, y)
    for dtype in ("float32", "int8"):
        with pytest.raises(ValueError, match=r"too large for float32 .*dtype='float64'"):
            export_c(model, tmp_path / "model.c", dtype=dtype)
    export_c(model, tmp_path / "model.c", dtype="float64")


def test_eight_bits_take_no_column_twice(tmp_path):
    X, y = load_iris(return_X_y=True)
    twice = ColumnTransformer([("a", StandardScaler(), [0]), ("b", MinMaxScaler(), [0])])
    model = make_pipeline(twice, small()).fit(X, y)
    with pytest.raises(ValueError, match=r"uses a column of X twice, .* Use dtype='float32'"):
        export_c(model, tmp_path / "model.c", dtype="int8")


LABELS = [
    (['say "hi"', "a\\b", "why??!"], r'{"a\134b", "say \042hi\042", "why\077\077!"}'),
    (["über", "日本", "/* no */"], None),
    ([-1, 7, 2**40], "{-1, 7, 1099511627776LL}"),
    ([1e9, 1.0, -3.0], "{-3.0, 1.0, 1000000000.0}"),
]


PRINT = """\
#include <stdio.h>
#include "model.h"
static const KIND labels[] = MODEL_CLASSES;
int main(void)
{
    int j;
    for (j = 0; j < MODEL_N_OUTPUTS; j++) printf("SHAPE\\n", labels[j]);
    return 0;
}
"""


@needs_c
@pytest.mark.parametrize(("labels", "macro"), LABELS)
def test_labels_in_c(tmp_path, labels, macro):
    X, y = load_iris(return_X_y=True)
    names = [f'the "{name}"' for name in ("quoted */ /*", "日本", "back\\", "new\nline")]
    clf = small(target_sparsity=0.2).fit(pd.DataFrame(X, columns=names), np.array(labels)[y])
    export_c(clf, tmp_path / "model.c")
    header = (tmp_path / "model.h").read_text(encoding="ascii")
    if macro:
        assert f"#define MODEL_CLASSES {macro} " in header
    kind, shape = ("char *const", "%s") if isinstance(labels[0], str) else ("double", "%.17g")
    (tmp_path / "print.c").write_text(PRINT.replace("KIND", kind).replace("SHAPE", shape))
    files = [tmp_path / "print.c", tmp_path / "model.c", "-o", tmp_path / "print", "-lm"]
    subprocess.run([CC, *FLAGS, *files], check=True)
    said = subprocess.run([tmp_path / "print"], capture_output=True, check=True).stdout.decode()
    assert [type(labels[0])(line) for line in said.splitlines()] == clf.classes_.tolist()


@needs_c
@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["ok", "worn out", "9-a"], {"9_A": 0, "OK": 1, "WORN_OUT": 2}),
        (["a-b", "a_b", "c"], {"0": 0, "1": 1, "C": 2}),  # two would have one name
        (["日本", "a", "b"], {"A": 0, "B": 1, "2": 2}),  # one would have none
        (["日本", "2", "b"], {"0": 0, "1": 1, "2": 2}),  # ... and "2" is that of the first
        ([7, 1, -2], {"MINUS_2": 0, "1": 1, "7": 2}),
    ],
)
def test_names_of_classes_in_c(iris, tmp_path, labels, names):
    X, y = iris
    clf = small(target_sparsity=0.2).fit(X, np.array(labels)[y])
    written = export_c(clf, tmp_path / "model.c")
    program = "".join(
        f'_Static_assert(MODEL_CLASS_{name} == {index}, "");\n' for name, index in names.items()
    )
    (tmp_path / "names.c").write_text(f'#include "{written.header.name}"\n{program}')
    subprocess.run([CC, "-std=c11", "-c", "names.c"], cwd=tmp_path, check=True)


def test_labels_that_c_cannot_name(iris, tmp_path):
    X, y = iris
    clf = small().fit(X, y)
    clf.classes_ = np.array([None, (1, 2), "c"], object)
    with pytest.raises(
        ValueError, match="Got the class label None, but expected strings or numbers"
    ):
        export_c(clf, tmp_path / "model.c")


FILES = [
    ("my-model.c", None),
    ("my model.c", None),
    ("v1.2.c", None),
    ("Gerät.c", "geraet"),
    ("net.c", "pump"),
    ("mathematics.c", None),
    ("model.c", None),
    ("MODEL.c", None),
    ("a.b.c.c", None),
    ("model (2).c", None),
    ("model+new.c", None),
    ("it's.c", None),
    ("50%.c", "half"),
    ("#1.c", "first"),
    ("_model.c", "model"),
    ("x.c", None),
    ("int_.c", None),
    ("mo,del;.c", None),
    ("价格.c", "price"),
    ("m" + "o" * 99 + ".c", None),
]


@needs_c
@pytest.mark.parametrize(
    "language",
    [["-std=c99"], pytest.param(["-x", "c++", "-std=c++11"], marks=needs_cpp)],
    ids=["C99", "C++"],
)
@pytest.mark.parametrize("file, name", FILES)
def test_the_source_includes_the_header_that_was_written(iris, tmp_path, file, name, language):
    written = export_c(fitted(iris), tmp_path / file, name=name)
    assert written.header.exists()
    command = [CC, *language, *FLAGS[1:], "-c", f"./{file}", "-o", "model.o"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "file, message",
    [
        ("math.c", r"'math.c', whose header would hide C's own <math.h>"),
        ("StdInt.c", "would hide C's own <stdint.h>"),
        ('my "model".c', "without quotes, backslashes"),
        ("my\tmodel.c", "without quotes, backslashes"),
    ],
)
def test_headers_that_c_could_not_include_are_refused(iris, tmp_path, file, message):
    with pytest.raises(ValueError, match=message):
        export_c(fitted(iris), tmp_path / file, name="model")
    assert not list(tmp_path.iterdir())


@needs_c
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8"])
def test_two_models_make_one_translation_unit(iris, tmp_path, dtype):
    X, y = iris
    models = {
        "classes": fitted(iris),
        "binary": fitted((X, y > 0)),
        "labels": fitted((X, np.c_[y > 0, y > 1])),
        "values": OBSPrunedMLPRegressor((3,), solver="lbfgs", random_state=0).fit(X, X[:, 0]),
    }
    for name, model in models.items():
        export_c(model, tmp_path / f"{name}.c", dtype=dtype)
    both = tmp_path / "all.c"
    both.write_text("".join(f'#include "{name}.c"\n' for name in models))
    done = subprocess.run([CC, *FLAGS, "-c", both, "-o", tmp_path / "all.o"], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@needs_c
def test_fast_math_stops_the_compiler_or_the_check_holds(iris, tmp_path):
    export_c(fitted(iris), tmp_path / "net.c")
    command = [CC, "-std=c99", "-c", "net.c", "-o", "net.o"]
    for flags, compiles in (
        (["-Ofast"], False),
        (["-O2", "-ffast-math"], False),
        (["-O2", "-ffast-math", "-fno-finite-math-only"], True),
        (["-O3"], True),
    ):
        done = subprocess.run([*command, *flags], cwd=tmp_path, capture_output=True, text=True)
        assert (done.returncode == 0) == compiles, done.stderr
        assert compiles or "add -fno-finite-math-only" in done.stderr
    flags = [*FLAGS, "-ffast-math", "-fno-finite-math-only"]
    program = compiled(tmp_path / "net.c", flags=flags)
    X = np.zeros((3, 4))
    X[1, 2], X[2, 0] = np.nan, np.inf
    status, *_ = outputs(program, X)
    assert status[0] >= 0
    assert (status[1:] == -1).all()


def fitted(samples):
    net = OBSPrunedMLPClassifier((4,), target_sparsity=0.5, solver="lbfgs", random_state=0)
    return net.fit(*samples)


# test vectors, and constants that stay in flash


def model_with_vectors(kind):
    """A model of this kind of output, and its data."""
    X, y = load_iris(return_X_y=True)
    sets = np.column_stack([y == 0, X[:, 0] > 5.8]).astype(int)
    counts = small(OBSPrunedMLPRegressor, loss="poisson", max_iter=100)
    model, y = {
        "classes": (make_pipeline(StandardScaler(), small(max_iter=100)), y),
        "binary": (small(max_iter=100), np.where(y == 1, "b", "a")),
        "labels": (small(max_iter=100), sets),
        "values": (small(OBSPrunedMLPRegressor, max_iter=100), X[:, :2] @ [1.0, -3.0]),
        "exponentials": (counts, y),
    }[kind]
    return model.fit(X, y), X, y


@needs_c
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8"])
@pytest.mark.parametrize("kind", ["classes", "binary", "labels", "values", "exponentials"])
def test_vectors_agree_and_a_wrong_one_is_found(tmp_path, kind, dtype):
    model, X, y = model_with_vectors(kind)
    path = tmp_path / "net.c"
    written = export_c(model, path, dtype=dtype, test_data=(X, y), test_vectors=12)
    assert program_of(written, tmp_path) == ("12 of 12 test vectors agree\n", 0)
    head, rows = written.test.read_text().split("expected[N]")
    first = re.search(r"\n\{([^,}]+)", rows)
    wrong = str(int(float(first[1].rstrip("f"))) + 2)
    written.test.write_text(
        f"{head}expected[N]{rows[: first.start(1)]}{wrong}{rows[first.end(1) :]}"
    )
    assert program_of(written, tmp_path) == ("11 of 12 test vectors agree\n", 1)


@needs_c
@needs_cpp
def test_vectors_as_cpp(tmp_path):
    model, X, y = model_with_vectors("labels")
    written = export_c(model, tmp_path / "n.c", test_data=(X, y), test_vectors=3)
    command = ["g++", "-x", "c++", "-Wall", "-Wextra", "-Werror"]
    assert program_of(written, tmp_path, command) == (" 3 of 3 test vectors agree\n", 0)


@needs_avr
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8"])
@pytest.mark.parametrize("kind", ["classes", "labels", "values", "exponentials"])
def test_on_an_avr_constants_stay_in_flash_and_vectors_agree(tmp_path, kind, dtype):
    model, X, y = model_with_vectors(kind)
    path = tmp_path / "net.c"
    written = export_c(model, path, dtype=dtype, test_data=(X, y), test_vectors=4)
    assert said_on_an_avr(written, tmp_path) == " 4 of 4 test vectors agree"


@needs_c
def test_another_memory_may_be_named(iris, tmp_path):
    X, y = iris
    written = export_c(small().fit(X, y), tmp_path / "net.c", test_data=(X, y), test_vectors=2)
    macros = {"ROM": '__attribute__((section(".far")))'}
    macros |= {f"{kind}(p)": "(*(p))" for kind in ("FLOAT", "8", "16", "32")}
    command = [CC, *FLAGS, *(f"-DSKLEARN_OBS_{name}={value}" for name, value in macros.items())]
    assert program_of(written, tmp_path, command) == (" 2 of 2 test vectors agree\n", 0)


@pytest.mark.parametrize(
    ("n", "rows", "message"),
    [
        (-1, 9, r"test_vectors=-1, but expected an int in \[0, 99\]"),
        (2.5, 9, r"test_vectors=2.5"),
        (True, 9, r"test_vectors=True"),
        (4, 0, r"without test_data, whose rows they are"),
        (99, 50, r"test_vectors=99, but test_data has 50 rows"),
    ],
)
def test_vectors_that_cannot_be_written(iris, tmp_path, n, rows, message):
    X, y = iris
    data = {"test_data": (X[:rows], y[:rows])} if rows else {}
    with pytest.raises(ValueError, match=message):
        export_c(small().fit(X, y), tmp_path / "net.c", test_vectors=n, **data)
    assert not list(tmp_path.iterdir())


def test_an_existing_program_stays(iris, tmp_path):
    X, y = iris
    (tmp_path / "net_test.c").write_text("mine")
    with pytest.raises(FileExistsError, match=r"net_test\.c"):
        export_c(small().fit(X, y), tmp_path / "net.c", test_data=(X, y), test_vectors=2)
    assert [path.name for path in tmp_path.iterdir()] == ["net_test.c"]
