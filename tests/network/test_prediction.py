"""`predict` gives the same in every form, and takes the one that its rule names."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from small_nets import ESTIMATORS, small

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.estimators.attributes import network_of
from sklearn_obs.network import forward, prediction
from sklearn_obs.network.prediction import forms, last_units, outputs

ROUNDING = {np.float64: 1e-12, np.float32: 1e-5}  # sums of tens of numbers in another order
WAYS = [
    ["dense", "dense", "dense"],
    ["picked", "dense", "rows"],
    ["rows", "rows", "rows"],
    ["dense", "rows", "dense"],
    None,
]


@pytest.fixture(scope="module", params=[np.float64, np.float32])
def pruned(request):
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(request.param)
    clf = OBSPrunedMLPClassifier(
        (40, 30), target_sparsity=0.95, max_iter=10, retrain_epochs=1, random_state=0
    ).fit(X, y)
    assert len(clf.inputs_) < 64 and len(clf.units_[0]) < 40
    return clf, X


def test_units_and_inputs_are_those_that_carry_something(pruned):
    """The premise: whatever they leave out is 0."""
    clf, _ = pruned
    kept = [clf.inputs_, *clf.units_, np.arange(10)]
    for W, rows, columns in zip(clf.coefs_, kept, kept[1:], strict=False):
        assert np.count_nonzero(W) == np.count_nonzero(W[np.ix_(rows, columns)])


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_every_form_gives_the_same(pruned, way, monkeypatch):
    clf, X = pruned
    network = network_of(clf, vars(clf))
    *_, h, p = forward(network, X)
    monkeypatch.setattr(prediction, "forms", lambda *_, **__: way)
    state = clf.masks_, clf.inputs_, clf.units_
    atol = ROUNDING[X.dtype.type]
    found = outputs(network, X, *state)
    assert found.dtype == X.dtype
    assert_allclose(found, p, rtol=0, atol=atol)
    assert_allclose(last_units(network, X, *state), h[:, clf.units_[-1]], rtol=0, atol=10 * atol)
    if way is None or way[0] == "dense":
        assert_allclose(outputs(network, csr_array(X), *state), p, rtol=0, atol=atol)


def test_the_rule(monkeypatch):
    """Few rows: as it is. Then units that carry nothing, columns not read and rows matter."""
    X, y = load_digits(return_X_y=True)
    clf = OBSPrunedMLPClassifier((300, 100), target_sparsity=0, max_iter=1, random_state=0)
    network = network_of(clf, vars(clf.fit(X, y)))
    inputs, units, masks = np.arange(64), [np.arange(300), np.arange(100)], clf.masks_
    half = [units[0][::2], units[1][::2]]
    monkeypatch.setattr(prediction, "cpu_count", lambda: 2)
    assert forms(network, 1, masks, inputs, half) is None
    assert forms(network, 10_000, masks, inputs, units) is None
    assert forms(network, 10_000, masks, inputs, half) == ["dense", "dense", "dense"]
    assert forms(network, 10_000, masks, inputs[:3], half)[0] == "picked"
    assert forms(network, 10_000, masks, inputs[:3], half, pick=False)[0] == "dense"
    rng = np.random.default_rng(0)
    few = [rng.random(mask.shape) < 0.01 for mask in masks]
    monkeypatch.setattr(prediction, "cpu_count", lambda: 1)
    assert forms(network, 10_000, few, inputs, units)[1] == "rows"
    monkeypatch.setattr(prediction, "cpu_count", lambda: 64)  # makes products quick, rows not
    assert forms(network, 10_000, few, inputs, units) is None


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_prediction_writes_nothing(cls, iris, monkeypatch):
    X, y = iris
    model = small(cls).fit(X, y)
    before = {name: id(value) for name, value in vars(model).items()}
    monkeypatch.setattr(prediction, "LEAST", 0)
    monkeypatch.setattr(prediction, "MARGIN", np.inf)
    assert_allclose(model.predict(X), forward_predict(model, X), rtol=1e-10)
    model.transform(X)
    assert {name: id(value) for name, value in vars(model).items()} == before


def forward_predict(model, X):
    p = forward(network_of(model, vars(model)), X)[-1]
    return model.classes_[p.argmax(axis=1)] if hasattr(model, "classes_") else p.ravel()


def test_unpruned_is_scikit_learn_bit_for_bit():
    X, y = load_digits(return_X_y=True)
    X = np.vstack([X / 16] * 10)  # enough rows for a choice
    clf = OBSPrunedMLPClassifier((30,), target_sparsity=0, max_iter=2, random_state=0)
    clf.fit(X[:1797], y)
    assert_array_equal(clf.predict_proba(X), clf.to_sklearn().predict_proba(X))
