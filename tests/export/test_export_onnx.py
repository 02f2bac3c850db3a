"""ONNX files, run by onnxruntime, against `predict` and `predict_proba`."""

import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from small_nets import small
from test_export_c import rows_of_all_sizes

import sklearn_obs.export.onnx
from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV, OBSPrunedMLPRegressor
from sklearn_obs.export import export_c, export_onnx, register_onnx

onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

TOLERANCE = 1e-5  # float32, as in test_export_c


def run(path_or_bytes, inputs):
    source = path_or_bytes if isinstance(path_or_bytes, bytes) else str(path_or_bytes)
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    if not isinstance(inputs, dict):
        inputs = {"X": np.asarray(inputs, np.float32)}
    return session.run(None, inputs)


def assert_agrees(model, X, path, **options):
    export_onnx(model, path, **options)
    labels, p = run(path, X)
    assert_array_equal(labels, model.predict(X))
    assert_allclose(p, model.predict_proba(X), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("sparse", [False, True])
def test_digits(tmp_path, sparse):
    X, y = load_digits(return_X_y=True)
    X = X / 16
    clf = OBSPrunedMLPClassifier((64,), target_sparsity=0.95, max_iter=60, random_state=0).fit(X, y)
    assert_agrees(clf, X, tmp_path / "digits.onnx", sparse=sparse)
    n_bytes = (tmp_path / "digits.onnx").stat().st_size
    small = clf.compact()
    dense = 4 * sum(W.size for W in small.coefs_)
    # a value of four bytes and a place of at most two a weight; 2,000 are the graph's
    assert n_bytes < (6 * clf.n_weights_ + 2000 if sparse else dense + 2000)
    assert n_bytes > (6 * clf.n_weights_ if sparse else dense)


@pytest.mark.parametrize("sparsity", [0, 0.5])
@pytest.mark.parametrize("label", [3, "only"])
def test_one_class(iris, tmp_path, label, sparsity, capfd):
    X, _ = iris
    clf = small(target_sparsity=sparsity).fit(X, np.full(150, label))
    assert_agrees(clf, X, tmp_path / "one.onnx")
    assert "shape" not in capfd.readouterr().err  # of outputs, as declared and as they are


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (7,), (6, 5)])
def test_layers(iris, tmp_path, activation, hidden):
    X, y = iris
    clf = small(hidden_layer_sizes=hidden, activation=activation, target_sparsity=0.6).fit(X, y)
    assert_agrees(clf, X, tmp_path / "iris.onnx", sparse=True)


@pytest.mark.parametrize("labels", [["no", "yes"], [3, 8], [True, False]])
def test_two_classes(tmp_path, labels):
    X, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), small(target_sparsity=0.8))
    assert_agrees(model.fit(X, np.array(labels)[y]), X, tmp_path / "cancer.onnx")


@pytest.mark.parametrize("n_labels", [2, 3])
def test_label_sets(iris, tmp_path, n_labels):
    X, y = iris
    Y = np.column_stack([y == 0, y < 2, X[:, 0] > 0]).astype(int)[:, :n_labels]
    clf = small(target_sparsity=0.5, max_iter=200).fit(X, Y)
    assert_agrees(clf, X, tmp_path / "sets.onnx")


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_regression_with_a_scaled_target(tmp_path, n_outputs):
    X, y = load_diabetes(return_X_y=True)
    y = 100 + 50 * np.column_stack([y, X[:, 0], -y])[:, :n_outputs].squeeze()
    net = make_pipeline(StandardScaler(), small(OBSPrunedMLPRegressor, max_iter=50))
    model = TransformedTargetRegressor(net, transformer=StandardScaler()).fit(X, y)
    export_onnx(model, tmp_path / "values.onnx")
    (found,) = run(tmp_path / "values.onnx", X)
    expected = model.predict(X).reshape(len(X), -1)
    assert_allclose(found, expected, rtol=0, atol=TOLERANCE * np.abs(y).max())


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
def test_rows_of_all_sizes(tmp_path, scaler):
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(scaler, small(target_sparsity=0.5, max_iter=100)).fit(X, y)
    rows = rows_of_all_sizes(np.random.default_rng(0), 4)
    assert_agrees(model, rows, tmp_path / "iris.onnx")


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "length": rng.normal(5, 2, 200),
            'the "colour", über': rng.choice(["red", "grün", "blue"], 200),
            "count": rng.integers(0, 9, 200),
        }
    )
    return X, np.where((X["length"] > 5) | (X["count"] > 6), "large", "small")


def test_columns_of_mixed_types(mixed, tmp_path):
    X, y = mixed
    columns = make_column_transformer(
        (StandardScaler(), ["length", "count"]), (OneHotEncoder(), ['the "colour", über'])
    )
    model = make_pipeline(columns, small(max_iter=100)).fit(X, y)
    export_onnx(model, tmp_path / "mixed.onnx", X=X)
    session = onnxruntime.InferenceSession(str(tmp_path / "mixed.onnx"))
    names = [given.name for given in session.get_inputs()]
    assert names == ["length", "the__colour___über", "count"]  # in the order of the columns
    columns = [X[[name]].to_numpy() for name in X.columns]
    inputs = {
        name: column.astype(np.float32 if column.dtype.kind in "if" else object)
        for name, column in zip(names, columns, strict=True)
    }
    labels, p = run(tmp_path / "mixed.onnx", inputs)
    assert_array_equal(labels, model.predict(X))
    assert_allclose(p, model.predict_proba(X), rtol=0, atol=TOLERANCE)


def test_registered_with_skl2onnx(iris):
    X, y = iris
    register_onnx()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), small()),
        {"obsprunedmlpclassifier__target_sparsity": [0.3, 0.6]},
        cv=2,
    ).fit(X, y)
    X32 = X.astype(np.float32)
    for model in (small().fit(X, y), make_pipeline(StandardScaler(), small()).fit(X, y), search):
        graph = skl2onnx.to_onnx(model, X32[:1], options={"zipmap": False})
        labels, p = run(graph.SerializeToString(), X32)
        assert_array_equal(labels, model.predict(X32))
        assert_allclose(p, model.predict_proba(X32), rtol=0, atol=TOLERANCE)
    (_, p) = run(skl2onnx.to_onnx(small().fit(X, y), X32[:1]).SerializeToString(), X32)
    assert set(p[0]) == {0, 1, 2}  # skl2onnx's own default: a dict a row


def test_what_else_holds_a_network(iris, tmp_path):
    X, y = iris
    path = OBSPrunedMLPCV(small(), sparsities=[0.2, 0.5], cv=2).fit(X, y)
    plain = MLPClassifier((5,), max_iter=20, random_state=0).fit(X, y)
    parts = ColumnTransformer([("a", StandardScaler(), [0, 2]), ("b", "passthrough", [1])])
    pipeline = make_pipeline(parts, small()).fit(X, y)
    for number, model in enumerate((path, plain, pipeline)):
        assert_agrees(model, X, tmp_path / f"{number}.onnx")


def test_errors(iris, tmp_path):
    X, y = iris
    clf = small().fit(X, y)
    path = tmp_path / "model.onnx"
    with pytest.raises(ValueError, match=r"ends in '\.onnx'"):
        export_onnx(clf, tmp_path / "model.c")
    with pytest.raises(TypeError, match="Got a LogisticRegression, but expected"):
        export_onnx(LogisticRegression().fit(X, y), path)
    with pytest.raises(NotFittedError):
        export_onnx(small(), path)
    with pytest.raises(ValueError, match=r"class labels \[1099511627776.* expected strings or"):
        export_onnx(small().fit(X, y + 2**40), path)
    assert not path.exists()
    export_onnx(clf, path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        export_onnx(clf, path)


def test_without_skl2onnx(iris, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    monkeypatch.delattr(sklearn_obs.export.onnx, "graph", raising=False)
    monkeypatch.delitem(sys.modules, "sklearn_obs.export.onnx.graph", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-obs\[onnx\]'"):
        export_onnx(small().fit(*iris), tmp_path / "model.onnx")


@pytest.mark.parametrize("shift", [0, 2**31 - 3, -(2**31)])
def test_integers_of_32_bits_come_out_as_they_went_in(iris, tmp_path, shift):
    X, y = iris
    assert_agrees(small().fit(X, y.astype(np.int64) + shift), X, tmp_path / "a.onnx")


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1, 2, 2**31]),
        np.array([2**53, 2**53 + 1, 2**53 + 2]),
        np.array([-(2**63), 0, 1]),
        np.array([2**64 - 1, 2**64 - 2, 0], np.uint64),
    ],
    ids=str,
)
def test_wider_integers_are_refused(iris, tmp_path, labels):
    X, y = iris
    with pytest.raises(ValueError, match="expected strings or 32-bit integers"):
        export_onnx(small().fit(X, labels[y]), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


NAMES = [
    (["a b", "a-b", "a_b", "word"], ["a_b", "a_b1", "a_b2", "word"]),
    (["1st", "größe", "x.y", "class"], ["_1st", "größe", "x_y", "class"]),
    (["a", "b", "c", "d"], ["a", "b", "c", "d"]),
]


def mixed_model(X, words, numbers):
    columns = make_column_transformer((OneHotEncoder(), words), (StandardScaler(), numbers))
    y = np.where(X[numbers[0]] > 5, "large", "small")
    return make_pipeline(columns, small(max_iter=100)).fit(X, y), y


@pytest.mark.parametrize("names, expected", NAMES)
@pytest.mark.parametrize("kind", ["pandas", "polars", "dict"])
def test_names_of_inputs_are_returned(mixed, tmp_path, names, expected, kind):
    X = mixed[0].assign(more=1.5)[["length", "count", "more", 'the "colour", über']]
    X.columns = names
    model, y = mixed_model(X, names[3:], names[:3])
    rows = X
    if kind == "polars":
        rows = pytest.importorskip("polars").DataFrame(X.to_dict("list"))
    elif kind == "dict":
        rows = {name: X[name].to_numpy() for name in names}
    written = export_onnx(model, tmp_path / "a.onnx", X=rows, test_data=(X, y))
    assert written.inputs == expected
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    assert [given.name for given in session.get_inputs()] == expected
    assert written.path == tmp_path / "a.onnx" and written.n_bytes == written.path.stat().st_size
    assert written.exported_score == written.score == model.score(X, y)


def test_arrays_of_mixed_columns(mixed, tmp_path):
    X = mixed[0].to_numpy(object)
    columns = make_column_transformer((OneHotEncoder(), [1]), (StandardScaler(), [0, 2]))
    model = make_pipeline(columns, small(max_iter=100)).fit(X, mixed[1])
    written = export_onnx(model, tmp_path / "a.onnx", X=X, test_data=(X, mixed[1]))
    assert written.inputs == ["x0", "x1", "x2"]
    assert written.exported_score == written.score
    feeds = {
        name: X[:, [j]].astype(object if j == 1 else np.float32)
        for j, name in enumerate(written.inputs)
    }
    assert_array_equal(run(tmp_path / "a.onnx", feeds)[0], model.predict(X))


def test_columns_of_a_network_without_steps(iris, tmp_path):
    X, y = iris
    columns = dict(zip("abcd", X.T, strict=True))
    model = small().fit(X, y)
    assert export_onnx(model, tmp_path / "a.onnx", X=columns).inputs == list("abcd")
    feeds = {name: column[:, None].astype(np.float32) for name, column in columns.items()}
    assert_array_equal(run(tmp_path / "a.onnx", feeds)[0], model.predict(X.astype(np.float32)))


def test_a_search_without_a_network_says_so(iris, tmp_path):
    search = OBSPrunedMLPCV(small(), sparsities=[0.2], cv=2, refit=False).fit(*iris)
    for export in (export_onnx, export_c):
        with pytest.raises(AttributeError, match="kept no network, because refit=False"):
            export(search, tmp_path / f"a{'.c' if export is export_c else '.onnx'}")


def test_an_array_of_numbers_has_one_input(iris, tmp_path):
    X, y = iris
    model = small().fit(X, y)
    assert export_onnx(model, tmp_path / "a.onnx", X=X).inputs == ["X"]
    assert_array_equal(run(tmp_path / "a.onnx", X)[0], model.predict(X.astype(np.float32)))


@pytest.mark.parametrize("kind", ["frame of integers and truths", "nullable", "categories"])
def test_columns_that_are_numbers_or_words_by_another_name(mixed, tmp_path, kind):
    X = mixed[0].rename(columns={'the "colour", über': "word"})
    if kind == "nullable":
        X["count"] = X["count"].astype("Int64")
    elif kind == "categories":
        X["word"] = X["word"].astype("category")
    else:
        X["count"] = X["count"] > 3
    columns = make_column_transformer(
        (OneHotEncoder(), ["word"]), (StandardScaler(), ["length", "count"])
    )
    y = mixed[1]
    model = make_pipeline(columns, small(max_iter=100)).fit(X, y)
    written = export_onnx(model, tmp_path / "a.onnx", X=X, test_data=(X, y))
    assert written.exported_score == written.score


@pytest.mark.parametrize("hidden", [(), (6,), (7, 4)])
@pytest.mark.parametrize("estimator", [OBSPrunedMLPClassifier, OBSPrunedMLPRegressor])
@pytest.mark.parametrize("search", [False, True])
def test_a_pruned_network_as_a_step_before_the_last(iris, tmp_path, hidden, estimator, search):
    X, y = iris
    first = small(estimator, hidden_layer_sizes=hidden, target_sparsity=0.4, max_iter=100)
    if search:
        first = OBSPrunedMLPCV(first, sparsities=[0.4], cv=2)
    model = make_pipeline(StandardScaler(), first, small(target_sparsity=0.3)).fit(X, y)
    assert_agrees(model, X, tmp_path / "two.onnx")
    inner = make_pipeline(StandardScaler(), first)
    assert_agrees(make_pipeline(inner, small()).fit(X, y), X, tmp_path / "nested.onnx")


GAPS = pd.DataFrame({"word": ["a", "b", None, "a"] * 20, "x": np.arange(80.0) % 7})


@pytest.mark.parametrize(
    "encoder, words",
    [
        (
            make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()),
            r"SimpleImputer of missing_values=nan on the columns of text 'word', .* Use "
            r"SimpleImputer\(missing_values=''",
        ),
        (
            OneHotEncoder(),
            r"OneHotEncoder with missing text as a category .* columns 'word'.*X\.fillna\(''\)",
        ),
        (
            OrdinalEncoder(encoded_missing_value=-2),
            r"OrdinalEncoder with missing text as a category .* columns 'word'",
        ),
    ],
    ids=["imputer", "one-hot", "ordinal"],
)
def test_gaps_in_text_are_refused_with_what_to_do(tmp_path, encoder, words):
    X = GAPS.where(GAPS.notna(), np.nan)
    columns = make_column_transformer((encoder, ["word"]), (StandardScaler(), ["x"]))
    model = make_pipeline(columns, small(max_iter=50)).fit(X, GAPS["x"] > 3)
    with pytest.raises(ValueError, match=words):
        export_onnx(model, tmp_path / "a.onnx", X=X)
    assert not list(tmp_path.iterdir())


def test_gaps_in_text_as_the_message_says(tmp_path):
    X, y = GAPS.fillna({"word": ""}), GAPS["x"] > 3
    encoder = make_pipeline(
        SimpleImputer(missing_values="", strategy="most_frequent"), OneHotEncoder()
    )
    columns = make_column_transformer((encoder, ["word"]), (StandardScaler(), ["x"]))
    model = make_pipeline(columns, small(max_iter=50)).fit(X, y)
    written = export_onnx(model, tmp_path / "a.onnx", X=X, test_data=(X, y))
    assert written.exported_score == written.score


def test_what_skl2onnx_cannot_convert_is_said_with_what_to_pass(mixed, tmp_path):
    X = mixed[0]
    model, _ = mixed_model(X, ['the "colour", über'], ["length", "count"])
    with pytest.raises(
        ValueError, match=r"skl2onnx cannot convert.*pass X=some samples, as a DataFrame"
    ):
        export_onnx(model, tmp_path / "a.onnx")
    with pytest.raises(ValueError, match=r"Got X with 2 columns, but the model has 3"):
        export_onnx(model, tmp_path / "a.onnx", X=X.iloc[:, :2])
    strange = make_pipeline(FunctionTransformer(np.tanh), small()).fit(*load_iris(return_X_y=True))
    with pytest.raises(ValueError, match=r"skl2onnx cannot convert.*listed at https://onnx\.ai"):
        export_onnx(strange, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), None])
def test_columns_that_float32_rounds_are_named(iris, tmp_path, scaler):
    """With a scaler that is folded, and, by the rows, with steps that are not."""
    X, y = iris
    X = pd.DataFrame(X, columns=["a", "b", "at", "d"])
    X["at"] = 1.7e9 + np.round(9 * X["at"])  # float32 steps by 128
    steps = [StandardScaler(), KBinsDiscretizer(20, encode="ordinal", strategy="uniform")]
    net = small(hidden_layer_sizes=(10,), target_sparsity=0.2, solver="lbfgs", max_iter=300)
    model = make_pipeline(*([scaler] if scaler else steps), net).fit(X, y)
    named = r"more than 1% of their spread: 'at' \(around 1.7e\+09"
    rows = None if scaler else X
    with pytest.warns(UserWarning, match=named):
        written = export_onnx(model, tmp_path / "a.onnx", X=rows, test_data=(X, y))
    if scaler:
        assert written.exported_score < written.score  # what it costs
        with pytest.warns(UserWarning, match=named + ".*or use dtype='float64'"):
            in_c = export_c(model, tmp_path / "a.c", test_data=(X, y))
        assert in_c.exported_score < in_c.score
        exact = export_c(model, tmp_path / "b.c", test_data=(X, y), dtype="float64")
        assert exact.exported_score == exact.score


def test_columns_that_are_not_read_are_not_named(iris, tmp_path):
    X, y = iris
    X = np.c_[X, 1.7e9 + np.arange(150) % 7]
    model = make_pipeline(StandardScaler(), small(max_iter=100)).fit(X, y)
    W = model[-1].coefs_[0]
    W[4] = 0
    export_onnx(model, tmp_path / "a.onnx")
    export_c(model, tmp_path / "a.c")


def test_the_score_of_the_file_is_that_of_the_runtime(tmp_path):
    X, y = load_digits(return_X_y=True)
    model = make_pipeline(MinMaxScaler(), small(target_sparsity=0.9, max_iter=60)).fit(X, y)
    written = export_onnx(model, tmp_path / "a.onnx", sparse=True, test_data=(X, y))
    labels, _ = run(tmp_path / "a.onnx", X)
    assert written.exported_score == np.mean(labels == y)


@pytest.mark.parametrize(
    "imputer", [SimpleImputer(add_indicator=True), KNNImputer(add_indicator=True)]
)
def test_columns_that_say_where_values_are_missing_are_refused(tmp_path, imputer):
    X, y = load_iris(return_X_y=True)
    X[::7, 2] = np.nan
    columns = make_column_transformer((make_pipeline(StandardScaler(), imputer), [1, 2]))
    model = make_pipeline(columns, small()).fit(X, y)
    with pytest.raises(ValueError, match="add_indicator=True, whose additional columns cannot be"):
        export_onnx(model, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()
    plain = imputer.set_params(add_indicator=False)
    columns = make_column_transformer((make_pipeline(StandardScaler(), plain), [1, 2]))
    export_onnx(make_pipeline(columns, small()).fit(X, y), tmp_path / "m.onnx")
