"""Formulae: what they evaluate to, what they say, and what is refused."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from small_nets import small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV, OBSPrunedMLPRegressor
from sklearn_obs.export import export_text

# sums of tens of numbers of order 10, folded in another order: 1e-14; probabilities move by less
TOLERANCE = 1e-12


def evaluated(model, X, **options):
    """What the function in the text returns."""
    names = {}
    exec(export_text(model, style="python", **options), names)
    function = names.get("predict_proba") or names["predict"]
    return function(X)


def assert_evaluates(model, X):
    expected = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
    found = evaluated(model, X)
    assert found.shape == expected.shape
    assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (7,), (6, 5, 4)])
@pytest.mark.parametrize("sparsity", [0, 0.7])
def test_layers(iris, activation, hidden, sparsity):
    X, y = iris
    clf = small(hidden_layer_sizes=hidden, activation=activation, target_sparsity=sparsity)
    assert_evaluates(clf.fit(X, y), X)


@pytest.mark.parametrize("target", ["two classes", "one class", "label sets", "two labels"])
def test_other_outputs(iris, target):
    X, y = iris
    sets = np.column_stack([y == 0, y < 2, X[:, 0] > 0]).astype(int)
    y = {
        "two classes": np.array(["no", "yes"])[(y > 0).astype(int)],
        "one class": np.full(150, "only"),
        "label sets": sets,
        "two labels": sets[:, :2],
    }[target]
    assert_evaluates(small(target_sparsity=0.5, max_iter=100).fit(X, y), X)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("scaled", [False, True])
def test_regression(n_outputs, loss, scaled):
    X, y = load_diabetes(return_X_y=True)
    y = np.column_stack([y, 50 + X[:, 0], y[::-1]])[:, :n_outputs].squeeze() / 50
    model = make_pipeline(StandardScaler(), small(OBSPrunedMLPRegressor, loss=loss, max_iter=50))
    if scaled:
        model = TransformedTargetRegressor(model, transformer=MaxAbsScaler())
    assert_evaluates(model.fit(X, y), X)


@pytest.mark.parametrize(
    "scaler",
    [
        StandardScaler(),
        MinMaxScaler((-1, 2)),
        RobustScaler(),
        SelectKBest(k=10),
        ColumnTransformer([("a", StandardScaler(), [3, 0]), ("b", "passthrough", [5, 29])]),
        make_pipeline(StandardScaler(), MinMaxScaler()),
    ],
    ids=lambda scaler: type(scaler).__name__,
)
def test_pipelines_read_raw_units(scaler):
    X, y = load_breast_cancer(return_X_y=True)
    assert_evaluates(make_pipeline(scaler, small(target_sparsity=0.8, max_iter=50)).fit(X, y), X)


def test_what_else_holds_a_network(iris):
    X, y = iris
    for model in (
        OBSPrunedMLPCV(small(), sparsities=[0.2, 0.5], cv=2),
        MLPClassifier((5,), max_iter=20, random_state=0),
        GridSearchCV(make_pipeline(StandardScaler(), small()), {}, cv=2),
    ):
        assert_evaluates(model.fit(X, y), X)


def with_weights(W1, b1, W2, b2, classes=None, activation="relu"):
    """A network of these weights; zeros are removed."""
    X = np.zeros((8, len(W1)))
    y = np.zeros(8) if classes is None else np.array(classes)[np.arange(8) % len(classes)]
    cls = OBSPrunedMLPRegressor if classes is None else OBSPrunedMLPClassifier
    net = cls((len(b1),), activation, target_sparsity=0, max_iter=1, random_state=0).fit(X, y)
    net.coefs_, net.intercepts_ = [np.array(W1), np.array(W2)], [np.array(b1), np.array(b2)]
    return type(net).from_sklearn(net.to_sklearn(), keep_zeros=True)


NET = with_weights(
    [[1.5, 0, 0], [0, -0.02346, 7], [-2.25, 0, 0]],
    [0.0, 1234.5, 3.0],
    [[1.0], [-0.5], [0.0]],
    [-0.25],
    ["no", "yes"],
)


def test_text_line_by_line():
    text = export_text(NET, feature_names=["age", "body mass", "b"], class_names=["well", "ill"])
    assert text.splitlines() == [
        "h1 = max(0, 1.500 * age - 2.250 * b)",
        "h2 = max(0, 1234.500 - 0.0235 * [body mass])",
        "z = -0.250 + 1.000 * h1 - 0.500 * h2",
        "P(ill) = logistic(z)",
        "class = ill if z > 0 else well",
    ]
    assert "1.5 * x0 - 2.2 * x2" in export_text(NET, decimals=1)
    assert "0.02 * x1" in export_text(NET, decimals=0)


def test_dead_parts_are_left_out():
    text = export_text(NET)
    assert len(re.findall("^h", text, re.M)) == 2 and "7" not in text.replace("1234", "")


def test_decisions_of_several_classes_and_label_sets(iris):
    X, y = iris
    text = export_text(small().fit(X, np.array(["a", "b", "c"])[y]))
    assert "class = the one with the largest z" in text and "[b]" in text
    text = export_text(small().fit(X, np.c_[y == 0, y < 2].astype(int)), class_names=["p", "q"])
    assert "label is set where its z > 0" in text and "[q]" in text


def test_names_of_columns_and_of_units_do_not_meet(iris):
    X, y = iris
    frame = pd.DataFrame(X, columns=["h1", "h2", "z", "x9"])
    model = small().fit(frame, y)
    text = export_text(model)
    assert "unit1_1 = max(0" in text and "score1 = " in text and " * z" in text
    assert "class = the one with the largest score" in text
    latex = export_text(model, style="latex")
    assert r"\mathrm{score}_{1} = " in latex and r"\exp(\mathrm{score}_{1})" in latex
    assert_allclose(evaluated(model, X), model.predict_proba(frame), atol=TOLERANCE)


NAMES = ["a_b", "50 % & more", "x^2 {raw}", '#$~\\"', "größe"]


def test_latex_is_drawn_by_mathtext():
    mathtext = pytest.importorskip("matplotlib.mathtext")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    parser = mathtext.MathTextParser("path")
    models = [
        small(target_sparsity=0.3).fit(X, rng.choice(["q_1", "50 %"], 60)),
        small(target_sparsity=0.3, activation="logistic").fit(X, rng.choice(list("abc"), 60)),
        small(target_sparsity=0.3, activation="tanh").fit(X, rng.integers(2, size=(60, 3))),
        small(target_sparsity=0.3).fit(X, np.full(60, "only")),
        small(OBSPrunedMLPRegressor, target_sparsity=0.3).fit(1e6 * X, X[:, 0]),
        small(OBSPrunedMLPRegressor, target_sparsity=0.3, loss="poisson").fit(X, X[:, :2] ** 2),
    ]
    for model in models:
        for line in export_text(model, feature_names=NAMES, style="latex").splitlines():
            parser.parse(f"${line}$")  # raises where it is not understood


def test_latex_line_by_line():
    lines = export_text(NET, feature_names=["age", "mass", "b_1"], style="latex").splitlines()
    assert lines[0] == r"h_{1} = \max(0, 1.500\,\mathrm{age} - 2.250\,\mathrm{b\_1})"
    assert lines[-2:] == [
        r"P(\mathrm{yes}) = \sigma(z)",
        r"\hat{y} = \mathrm{yes} \quad \mathrm{if} \quad z > 0",
    ]


def test_constants_alone():
    net = with_weights([[0.0]], [0.0], [[0.0]], [2.5])
    assert export_text(net) == "y = 2.500"
    assert_allclose(evaluated(net, np.zeros((3, 1))), 2.5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"style": "html"}, "Got style='html', but expected one of 'text', 'latex', 'python'"),
        ({"decimals": -1}, "Got decimals=-1, but expected an int >= 0"),
        ({"decimals": 1.5}, "Got decimals=1.5"),
        ({"feature_names": ["a"]}, "Got 1 feature_names, but expected 3"),
        ({"feature_names": ["a", "b", "a"]}, "Got feature_names with 'a' more than once"),
        ({"class_names": ["a"]}, "Got 1 class_names, but expected 2"),
        (
            {"feature_names": ["h1", "unit2", "hidden_unit3"]},
            "Got feature_names that look like those of units",
        ),
    ],
    ids=str,
)
def test_what_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        export_text(NET, **options)


def test_networks_that_are_too_large_or_bend_are_refused(iris):
    X, y = iris
    large = small(hidden_layer_sizes=(100,), target_sparsity=0).fit(X, y)
    with pytest.raises(ValueError, match=r"Got a network of 700 weights.*Prune further"):
        export_text(large)
    with pytest.raises(TypeError, match="a PCA, but it cannot be folded"):
        export_text(make_pipeline(PCA(2), small()).fit(X, y))
    with pytest.raises(ValueError, match="Got class_names, but a regression has no classes"):
        export_text(with_weights([[1.0]], [0.0], [[1.0]], [0.0]), class_names=["a"])


def test_names_that_are_read_as_something_else():
    net = with_weights([[1.5, 0], [0.3, 0], [0.2, 0]], [0.0, 0.0], [[2.0], [0.0]], [0.5])
    assert export_text(
        net, feature_names=["y", "2020", "exp"], decimals=np.int64(0)
    ).splitlines() == [
        "h1 = max(0, 2 * y + 0.3 * [2020] + 0.2 * [exp])",  # no weight that is left is 0
        "prediction = 0.5 + 2 * h1",
    ]
