"""Saliencies, weight updates and the Hessian, against textbook formulas and what `prune` does."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import constrained_minimum
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_nets import ESTIMATORS, assert_same, small

from sklearn_obs import OBSPrunedMLPCV, OBSPrunedMLPRegressor, input_importances
from sklearn_obs.inspection import hessian, removed_weights, weight_saliencies, weight_update
from sklearn_obs.network import loss_and_gradient

OPTIONS = {"solver": "lbfgs", "max_iter": 200, "alpha": 0.1, "n_curvature_samples": 60}
STRUCTURES = ["full", "layer", "unit", "low_rank", "auto"]


def of_places(values, index):
    """The entries of coefs and intercepts at these places."""
    coefs, intercepts = values
    return np.array([intercepts[l][j] if i < 0 else coefs[l][i, j] for l, i, j in index])


def weights_of(model, index):
    return of_places((model.coefs_, model.intercepts_), index)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("sparsity", [0, 0.6])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_saliencies_are_the_textbook_s(iris, estimator, sparsity, structure):
    X, y = iris
    model = small(estimator, target_sparsity=sparsity, structure=structure, **OPTIONS).fit(X, y)
    H, index = hessian(model, X, y)
    w, C = weights_of(model, index), np.linalg.inv(H)
    expected = w**2 / (2 * np.diag(C))
    found = weight_saliencies(model, X, y)
    of_model = (model.coefs_, model.masks_), (model.intercepts_, model.intercept_masks_)
    for saliencies, (weights, masks) in zip(found, of_model, strict=True):
        for L, W, mask in zip(saliencies, weights, masks, strict=True):
            assert L.shape == W.shape
            assert_array_equal(np.isnan(L), ~mask)
    assert_allclose(of_places(found, index), expected, rtol=1e-9)


@pytest.mark.parametrize("structure", ["full", "low_rank"])
@pytest.mark.parametrize("kind", ["ggn", "empirical_fisher"])
def test_an_update_is_the_minimum_under_the_constraint(iris, structure, kind):
    X, y = iris
    model = small(target_sparsity=0.5, structure=structure, curvature=kind, **OPTIONS).fit(X, y)
    H, index = hessian(model, X, y)
    w = weights_of(model, index)
    for q in (0, len(index) // 2, len(index) - 1):
        update = weight_update(model, X, y, index=index[q])
        expected, _ = constrained_minimum(w, H, [q])
        assert_allclose(of_places(update, index), expected - w, rtol=1e-7, atol=1e-10)
        removed = sum(int((change != 0).sum()) for part in update for change in part)
        assert removed <= len(index)  # what has been removed stays where it is


@pytest.mark.parametrize("intercepts", [False, True])
@pytest.mark.parametrize("structure", ["full", "layer", "unit", "kronecker"])
def test_saliency_and_update_are_what_prune_does(iris, structure, intercepts):
    X, y = iris
    options = OPTIONS | {"prune_intercepts": intercepts}
    model = small(target_sparsity=0.4, structure=structure, step=1, **options).fit(X, y)
    model.set_params(retrain_epochs=0)
    if intercepts:  # smaller ones than any weight, so that one is the first to be removed
        model.intercepts_[1] = model.intercepts_[1] * 1e-6
    before = [W.copy() for W in model.coefs_], [b.copy() for b in model.intercepts_]
    of_coefs, of_intercepts = weight_saliencies(model, X, y)
    places = {(l, *at): L[at] for l, L in enumerate(of_coefs) for at in np.ndindex(L.shape)}
    if intercepts:
        places |= {(l, -1, j): s for l, L in enumerate(of_intercepts) for j, s in enumerate(L)}
    q = min((place for place, saliency in places.items() if saliency >= 0), key=places.get)
    assert (q[1] < 0) == intercepts
    coefs, intercepts = weight_update(model, X, y, index=q)
    model.prune(X, y, n_weights=model.n_weights_ - 1)
    record = removed_weights(model)
    assert (record["layer"][-1], record["from"][-1], record["to"][-1]) == q
    assert_allclose(record["saliency"][-1], places[q], rtol=1e-9)
    after = model.coefs_, model.intercepts_
    for old, change, new in zip(
        (*before[0], *before[1]), (*coefs, *intercepts), (*after[0], *after[1]), strict=True
    ):
        assert_allclose(old + change, new, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_exact_hessian_by_finite_differences(iris, estimator):
    X, y = iris
    options = OPTIONS | {"n_curvature_samples": 1000, "activation": "tanh"}
    model = small(estimator, target_sparsity=0.5, curvature="hessian", structure="full", **options)
    model.fit(X, y)
    H, index = hessian(model, X, y, damping=0)
    network, _, objective = model._at_hand(X, y, None)
    places = [tuple(place) for place in index]
    position = {place: k for k, place in enumerate(places)}
    flat = np.array(
        [network.layout.index[l][i if i >= 0 else len(network.coefs[l]), j] for l, i, j in index]
    )
    h = 1e-5
    for q in range(0, len(flat), 5):
        step = np.zeros(network.layout.n_parameters)
        step[flat[q]] = h
        up = loss_and_gradient(network.with_theta(network.theta + step), objective)[1]
        down = loss_and_gradient(network.with_theta(network.theta - step), objective)[1]
        # truncation h^2, rounding of gradients eps / h
        assert_allclose(H[q], ((up - down) / (2 * h))[flat], atol=1e-7)
    assert len(position) == len(places)


def test_blocks_and_damping(iris):
    X, y = iris
    model = small(structure="unit", target_sparsity=0, **OPTIONS).fit(X, y)
    H, index = hessian(model, X, y)
    apart = (index[:, None, [0, 2]] != index[None, :, [0, 2]]).any(axis=2)
    assert (H[apart] == 0).all()
    bare, _ = hessian(model, X, y, damping=0)
    ridge = np.diag(H - bare)
    assert_allclose(H - bare, np.diag(ridge), atol=1e-15)
    assert_allclose(ridge, model.damping * np.diag(bare).mean())
    more, _ = hessian(model, X, y, damping=2.0)
    assert_allclose(np.diag(more - bare), 100 * ridge)


def test_without_labels_and_with_weights(iris):
    X, y = iris
    model = small(**OPTIONS | {"n_curvature_samples": 1000}).fit(X, y)  # all: none are drawn
    twice = np.r_[:150, :150]
    parts = zip(weight_saliencies(model, X), weight_saliencies(model, X, y), strict=True)
    for a, b in parts:
        assert_array_equal(np.concatenate(a, axis=None), np.concatenate(b, axis=None))
    weighted = weight_saliencies(model, X[:150], y, sample_weight=np.full(150, 2.0))
    for a, b in zip(weighted, weight_saliencies(model, X[twice], y[twice]), strict=True):
        a, b = np.concatenate(a, axis=None), np.concatenate(b, axis=None)
        assert_allclose(a, b, rtol=1e-9)


def test_weights_without_effect(iris):
    X, y = iris
    model = small(target_sparsity=0, **OPTIONS).fit(X, y)
    model.masks_[1][0] = False  # nothing leads on from the first unit
    model.coefs_[1][0] = 0
    saliencies, of_intercepts = weight_saliencies(model, X, y)
    assert (saliencies[0][:, 0] == 0).all() and np.isnan(saliencies[1][0]).all()
    assert of_intercepts[0][0] == 0
    with pytest.raises(ValueError, match=r"index=\(0, 1, 0\), but that weight has no effect"):
        weight_update(model, X, y, index=(0, 1, 0))
    with pytest.raises(ValueError, match=r"index=\(1, 0, 2\), but that weight has been removed"):
        weight_update(model, X, y, index=(1, 0, 2))


def test_the_record(iris):
    X, y = iris
    model = small(prune_intercepts=True, **OPTIONS).fit(X, y)
    frame = pd.DataFrame(removed_weights(model))
    assert list(frame) == ["layer", "from", "to", "round", "saliency"]
    assert len(frame) == len(model.pruning_path_["removed"])
    assert (frame["from"] == -1).any()
    for row in frame.itertuples(index=False):
        masks = model.intercept_masks_ if row[1] < 0 else model.masks_
        assert not (masks[row.layer][row.to] if row[1] < 0 else masks[row.layer][row[1], row.to])
    assert frame["round"].is_monotonic_increasing and frame["round"].iloc[-1] == model.n_rounds_
    empty = small(target_sparsity=0).fit(X, y)
    assert len(removed_weights(empty)["layer"]) == 0


def test_prune_to_a_number_of_weights(iris):
    X, y = iris
    ours, theirs = (small(target_sparsity=0.2, **OPTIONS).fit(X, y) for _ in range(2))
    n = sum(W.size for W in ours.coefs_)
    for n_weights in (40, 39, 11, 1):
        assert ours.prune(X, y, n_weights=n_weights).n_weights_ == n_weights
    for n_weights in (40, 39, 11, 1):
        theirs.prune(X, y, target_sparsity=1 - n_weights / n)
    assert_same(ours, theirs)
    intercepts = small(prune_intercepts=True, **OPTIONS).fit(X, y)
    assert intercepts.prune(X, y, n_weights=13).n_weights_ == 13
    with pytest.raises(ValueError, match=r"Got target_sparsity=0.9 and n_weights=5, but exp"):
        ours.prune(X, y, target_sparsity=0.9, n_weights=5)
    for wrong in (0, 2.5, 14, True):
        with pytest.raises(ValueError, match=r"but expected an int in \[1, 13\]"):
            intercepts.prune(X, y, n_weights=wrong)


@pytest.mark.parametrize("function", [weight_saliencies, hessian])
def test_what_is_refused(iris, function):
    X, y = iris
    with pytest.raises(NotFittedError):
        function(small(), X, y)
    with pytest.raises(TypeError, match=r"Got a LogisticRegression, but expected a fitted OBS"):
        function(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), X, y)
    with pytest.raises(TypeError, match="Got a LogisticRegression"):
        removed_weights(LogisticRegression())
    scaled = TransformedTargetRegressor(small(OBSPrunedMLPRegressor), transformer=StandardScaler())
    with pytest.raises(TypeError, match=r"fitted on transformed targets. Pass its `regressor_`"):
        function(scaled.fit(X, X[:, 0]), X, X[:, 0])


@pytest.mark.parametrize("function", [weight_saliencies, hessian, input_importances])
def test_a_pipeline_or_a_search_is_looked_into(iris, function):
    X, y = iris
    scaler = StandardScaler(with_mean=False).fit(X)
    pipeline = make_pipeline(StandardScaler(with_mean=False), small(target_sparsity=0.5)).fit(X, y)
    expected = function(pipeline[-1], scaler.transform(X), y)
    for model in (pipeline, OBSPrunedMLPCV(pipeline, sparsities=[0.5], cv=2).fit(X, y)):
        for one, other in zip(_arrays(function(model, X, y)), _arrays(expected), strict=True):
            assert_array_equal(one, other)


def _arrays(found):
    if isinstance(found, dict):  # of importances
        return found["importances_mean"], found["importances_std"]
    coefs, intercepts = found
    return [*coefs, *intercepts] if isinstance(coefs, list) else found


@pytest.mark.parametrize(
    "parameters",
    [
        {"structure": "unit", "curvature": "hessian"},
        {"structure": "foo"},
        {"curvature": "bar"},
        {"damping": -1},
        {"n_curvature_samples": 0},
    ],
    ids=str,
)
@pytest.mark.parametrize("criterion", ["obs", "magnitude"])
def test_parameters_that_fit_would_refuse(iris, parameters, criterion):
    X, y = iris
    model = small().fit(X, y).set_params(criterion=criterion, **parameters)
    with pytest.raises(ValueError, match="but expected"):
        weight_saliencies(model, X, y)
    if criterion == "obs":
        with pytest.raises(ValueError, match="but expected"):
            input_importances(model, X, y)


def test_bad_arguments(iris):
    X, y = iris
    model = small(OBSPrunedMLPRegressor).fit(X, y)
    with pytest.raises(ValueError, match="Got damping=-1, but expected a finite non-negative"):
        hessian(model, X, y, damping=-1)
    for index, words in (
        (
            (9, 0, 0),
            r"Got index=\(9, 0, 0\), but .* no such weight: the layers are 0 to 2, between 4,",
        ),
        ((0, 4, 0), "no such weight"),
        ((0, -2, 0), "no such weight"),
        ((0, 0), "expected three integers"),
        ("abc", "expected three integers"),
    ):
        with pytest.raises(ValueError, match=words):
            weight_update(model, X, y, index=index)
    model.set_params(structure="kronecker")
    with pytest.raises(ValueError, match=r"which is no single matrix\. Set structure='full'"):
        hessian(model, X, y)
