"""`compact()`: fewer units, the same predictions."""

import numpy as np
import pandas as pd
import pytest
from networks import random_network
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier
from small_nets import ESTIMATORS, flat, small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.network import forward
from sklearn_obs.network.compaction import compacted

ROUNDING = 1e-12  # sums of a few numbers near 1 in another order, twice


def on_a_path(network, mask):
    """Per layer of units, which lie on a path of weights other than 0: by following each path."""
    coefs = [
        (W != 0) & M for W, M in zip(network.coefs, network.layout.split(mask)[0], strict=True)
    ]
    found = [set() for _ in range(len(coefs) + 1)]

    def follow(path):
        if len(path) == len(found):
            for units, unit in zip(found, path, strict=True):
                units.add(unit)
            return
        for unit in np.flatnonzero(coefs[len(path) - 1][path[-1]]):
            follow([*path, unit])

    for i in range(len(coefs[0])):
        follow([i])
    return [sorted(units) for units in found]


@pytest.mark.parametrize("drop_inputs", [False, True])
@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
def test_same_function_and_only_units_on_a_path(activation, drop_inputs):
    rng = np.random.default_rng(0)
    n_smaller = 0
    for seed in range(60):
        network, X, *_ = random_network(activation, "softmax", (4, 4, 3), seed=seed)
        mask = rng.random(network.layout.n_parameters) < rng.uniform(0.1, 0.9)
        if seed % 2:
            mask[network.layout.n_coefs :] = True
        network = network.with_theta(network.theta * mask)
        less, less_mask, kept = compacted(network, mask, drop_inputs)
        assert_allclose(
            forward(less, X[:, kept[0]])[-1], forward(network, X)[-1], rtol=0, atol=ROUNDING
        )
        inputs, *hidden, _ = on_a_path(network, mask)
        assert [list(units) for units in kept[1:-1]] == [units or [0] for units in hidden]
        expected = (inputs or [0]) if drop_inputs else list(range(6))
        assert list(kept[0]) == expected
        assert_array_equal(less.theta[~less_mask], 0)
        assert np.count_nonzero(less.theta) <= np.count_nonzero(network.theta)
        n_smaller += less.layout.n_parameters < network.layout.n_parameters
    assert n_smaller > 30


@pytest.mark.parametrize("granularity", ["weight", "unit", "input"])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_estimators(cls, granularity, iris):
    X, y = iris
    model = small(cls, hidden_layer_sizes=(12, 9), granularity=granularity, target_sparsity=0.9)
    if granularity == "input":  # the last input stays, and with it all its weights
        model.set_params(target_sparsity=0.15)
    model.fit(X, y)
    less = model.compact()
    narrow = model.compact(drop_inputs=True)
    assert less.hidden_layer_sizes == tuple(len(units) for units in model.units_)
    assert less.n_weights_ == model.n_weights_ - model.n_dead_weights_
    assert less.n_features_in_ == 4 and narrow.n_features_in_ == len(model.inputs_)
    for method in ("predict_proba", "transform") if cls is OBSPrunedMLPClassifier else ("predict",):
        expected = getattr(model, method)(X)
        assert_allclose(getattr(less, method)(X), expected, rtol=ROUNDING, atol=ROUNDING)
        found = getattr(narrow, method)(X[:, model.inputs_])
        assert_allclose(found, expected, rtol=ROUNDING, atol=ROUNDING)
    n_prunable = sum(W.size for W in less.coefs_)
    assert less.sparsity_ == pytest.approx(1 - less.n_weights_ / n_prunable)
    assert_array_equal(narrow.feature_importances_, model.feature_importances_[model.inputs_])
    assert less.n_rounds_ == 0 and less.pruning_path_["removed"].size == 0
    assert less.loss_ == model.loss_ and less.n_outputs_ == model.n_outputs_
    assert not any(np.shares_memory(a, b) for a, b in zip(less.coefs_, model.coefs_, strict=True))


def test_goes_on(iris):
    X, y = iris
    less = small(target_sparsity=0.8).fit(X, y).compact()
    before = less.n_weights_
    target = 1 - (before - 3) / sum(W.size for W in less.coefs_)
    less.prune(X, y, target_sparsity=target)
    assert less.n_weights_ == before - 3
    assert less.to_sklearn().score(X, y) == less.score(X, y)
    again = less.compact().compact()
    assert_array_equal(flat(again.coefs_, again.intercepts_), flat(*_arrays(less.compact())))


def _arrays(model):
    return model.coefs_, model.intercepts_


def test_zeros_of_a_foreign_network(iris):
    """A network pruned by hand has no mask: its zeros are enough, kept as removed or not."""
    X, y = iris
    mlp = MLPClassifier((8, 6), activation="tanh", max_iter=20, random_state=0).fit(X, y)
    mlp.coefs_[0][:, 2] = 0  # a constant unit
    mlp.coefs_[1][5] = 0  # a unit that nobody hears
    mlp.coefs_[0][1] = 0  # an input that nobody reads
    with pytest.warns(UserWarning, match="exactly 0"):
        dense = OBSPrunedMLPClassifier.from_sklearn(mlp)
    kept = OBSPrunedMLPClassifier.from_sklearn(mlp, keep_zeros=True)
    assert_array_equal(kept.inputs_, [0, 2, 3])
    for model in (dense, kept):
        less = model.compact(drop_inputs=True)
        assert less.hidden_layer_sizes == (6, 6)
        found = less.predict_proba(X[:, model.inputs_])  # the columns that it takes, in any case
        assert_allclose(found, mlp.predict_proba(X), rtol=0, atol=ROUNDING)


def test_names_stay_with_their_columns():
    frame = load_iris(as_frame=True).frame
    X, y = frame.iloc[:, :4], frame["target"]
    model = small(target_sparsity=0.93).fit(X, y)
    less = model.compact(drop_inputs=True)
    assert 0 < len(model.inputs_) < 4
    names = X.columns[model.inputs_]
    assert list(less.feature_names_in_) == list(names)
    assert_allclose(less.predict_proba(X[names]), model.predict_proba(X), rtol=0, atol=ROUNDING)
    with pytest.raises(ValueError, match="feature names"):
        less.predict(X)
    assert isinstance(X, pd.DataFrame)


def test_a_network_of_which_nothing_is_left():
    X, y = load_diabetes(return_X_y=True)
    model = small(OBSPrunedMLPRegressor, criterion="magnitude", target_sparsity=0.999).fit(X, y)
    assert model.n_weights_ == 1  # the last one is kept, whatever the target
    assert model.inputs_.size == 0  # which leads nowhere
    less = model.compact(drop_inputs=True)
    assert less.hidden_layer_sizes == (1, 1) and less.n_features_in_ == 1
    assert_allclose(less.predict(X[:, :1]), model.predict(X), rtol=ROUNDING)


def test_without_hidden_layers(iris):
    X, y = iris
    model = small(hidden_layer_sizes=(), target_sparsity=0.7).fit(X, y)
    less = model.compact(drop_inputs=True)
    assert less.hidden_layer_sizes == ()
    assert_allclose(
        less.predict_proba(X[:, model.inputs_]), model.predict_proba(X), rtol=0, atol=ROUNDING
    )


def test_unfitted():
    with pytest.raises(NotFittedError):
        small().compact()
