"""Several sparsities from one pruning run: each level is a fit of its own, bit for bit."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from small_nets import ESTIMATORS, N_WEIGHTS, assert_same_value, small

from sklearn_obs import (
    OBSPrunedMLPClassifier,
    OBSPrunedMLPCV,
    OBSPrunedMLPRegressor,
    obs_pruning_path,
)

LEVELS = [0, 0.1, 0.2, 0.45, 0.5, 0.8]  # two in the first round, one at its end nearly, one dense


def check_levels(path, estimator, X, y, sample_weight=None):
    for i, level in enumerate(path.sparsities):
        alone = estimator.set_params(target_sparsity=level).fit(X, y, sample_weight)
        assert path.n_weights[i] == alone.n_weights_
        assert path.loss[i] == alone.loss_
        assert path.score[i] == alone.score(X, y, sample_weight)
        for name in ("coefs", "intercepts", "masks", "intercept_masks"):
            assert_same_value(getattr(path, name)[i], getattr(alone, f"{name}_"), name)
        for name in ("predicted_loss", "pruned_loss"):
            recorded = alone.pruning_path_[name]
            last = recorded[-1] if recorded.size else alone.loss_
            assert_array_equal(getattr(path, name)[i], last)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"structure": "unit"},
        {"structure": "full"},
        {"structure": "low_rank", "n_curvature_samples": 20},
        {"structure": "kronecker"},
        {"criterion": "magnitude"},
        {"criterion": "layer_magnitude"},
        {"criterion": "obd"},
        {"criterion": "movement"},
        {"criterion": "random"},
        {"granularity": "unit"},
        {"granularity": "unit", "criterion": "magnitude"},
        {"step": 7, "prune_intercepts": True},
        {"max_loss_increase": 0.05},
        {"n_swaps": 2},
        {"retrain_solver": "adam"},
        {"retrain_solver": "newton", "retrain_epochs": 6},
        {"retrain_epochs": 0},
    ],
    ids=str,
)
def test_every_level_is_a_separate_fit(iris, parameters):
    estimator = small(**parameters)
    levels = [0, 0.1, 0.3] if "granularity" in parameters else LEVELS
    check_levels(obs_pruning_path(estimator, *iris, sparsities=levels), estimator, *iris)


def test_targets_weights_and_types(iris):
    X, y = iris
    weight = np.arange(len(y)) % 3
    for cls, target in zip(ESTIMATORS, (np.array(["a", "b", "c"])[y], X[:, :2]), strict=True):
        estimator = small(cls)
        path = obs_pruning_path(
            estimator, X.astype(np.float32), target, sparsities=[0.3, 0.6], sample_weight=weight
        )
        assert path.coefs[0][0].dtype == np.float32
        check_levels(path, estimator, X.astype(np.float32), target, weight)


def test_unread_inputs_go_first_at_every_level(iris):
    X, y = iris
    X = np.hstack([X, np.zeros((len(X), 2))])
    levels = np.array([3, 11, 12, 13, 40]) / (N_WEIGHTS + 12)  # 12 weights read nothing
    path = obs_pruning_path(small(), X, y, sparsities=levels)
    check_levels(path, small(), X, y)
    assert [m[0][4:].sum() for m in path.masks] == [9, 1, 0, 0, 0]
    assert [m[0][:4].all() for m in path.masks[:3]] == [True] * 3


def test_pruning_happens_once(iris, monkeypatch):
    fits = []
    fit = OBSPrunedMLPClassifier._dense_class.fit
    monkeypatch.setattr(
        OBSPrunedMLPClassifier._dense_class, "fit", lambda *a, **k: fits.append(1) or fit(*a, **k)
    )
    estimator = small(verbose=False)
    obs_pruning_path(estimator, *iris, sparsities=LEVELS)
    assert len(fits) == 1
    assert not hasattr(estimator, "coefs_")  # a copy was fitted


def test_levels_are_sorted_and_counted_once(iris):
    path = obs_pruning_path(small(), *iris, sparsities=[0.5, 0.2, 0.5])
    assert_array_equal(path.sparsities, [0.2, 0.5])
    with pytest.raises(AttributeError, match="cannot assign"):
        path.score = None


@pytest.mark.parametrize(
    "sparsities, message",
    [
        ([0.5, 1], r"Got sparsities with \[1.0\], but expected numbers in \[0, 1\)"),
        ([-0.1, 0.5], r"Got sparsities with \[-0.1\]"),
        ([], "Found array with 0 sample"),
        ([0.1, np.nan], "sparsities contains NaN"),
        (["much"], "not compatible with arrays of bytes/strings"),
    ],
)
def test_sparsities_that_are_none(iris, sparsities, message):
    with pytest.raises(ValueError, match=message):
        obs_pruning_path(small(), *iris, sparsities=sparsities)
    with pytest.raises(ValueError, match=message):
        OBSPrunedMLPCV(small(), sparsities=sparsities).fit(*iris)


def test_another_class_is_refused(iris):
    with pytest.raises(TypeError, match=r"Got an estimator of the class MLPClassifier, but.*OBS"):
        obs_pruning_path(OBSPrunedMLPClassifier._dense_class(), *iris, sparsities=[0.5])


def test_levels_are_estimators_with_held_out_scores(iris):
    X, y = iris
    path = obs_pruning_path(
        small(), X[::2], y[::2], sparsities=[0.5, 0.2], X_val=X[1::2], y_val=y[1::2]
    )
    for level, estimator, score in zip([0.2, 0.5], path.estimators, path.val_score, strict=True):
        alone = small(target_sparsity=level).fit(X[::2], y[::2])
        assert estimator.get_params() == alone.get_params()
        assert_array_equal(estimator.predict_proba(X), alone.predict_proba(X))
        assert score == alone.score(X[1::2], y[1::2])
    assert obs_pruning_path(small(), X, y, sparsities=[0.5]).val_score is None


def test_a_number_of_levels_is_spread_as_in_cross_validation(iris):
    for estimator in (small(), small(granularity="unit")):
        path = obs_pruning_path(estimator, *iris, sparsities=4)
        search = OBSPrunedMLPCV(estimator, sparsities=4, cv=2).fit(*iris)
        assert_array_equal(path.sparsities, search.sparsities_)


@pytest.mark.parametrize(
    "held_out, message",
    [
        ({"X_val": np.zeros((3, 4))}, "Got X_val without y_val, or y_val without X_val"),
        ({"y_val": np.zeros(3)}, "Got X_val without y_val, or y_val without X_val"),
        (
            {"X_val": np.zeros((3, 5)), "y_val": np.zeros(3)},
            "X_val and y_val cannot be scored on: X has 5 features, but.*expecting 4",
        ),
        (
            {"X_val": np.zeros((3, 4)), "y_val": np.zeros(2)},
            "cannot be scored on: Found input variables with inconsistent numbers of samples",
        ),
        (
            {"X_val": np.zeros((3, 4)), "y_val": ["a", "b", "a"]},
            "cannot be scored on: Mix of label input types",
        ),
    ],
)
def test_held_out_samples_that_cannot_be_scored_on(iris, held_out, message, monkeypatch):
    monkeypatch.setattr(OBSPrunedMLPClassifier._dense_class, "fit", None)  # refused before training
    with pytest.raises(ValueError, match=message):
        obs_pruning_path(small(), *iris, sparsities=[0.5], **held_out)


def test_held_out_values_have_as_many_outputs(iris):
    X, _ = iris
    with pytest.raises(ValueError, match="cannot be scored on: y_val has 2 outputs, but y has 1"):
        obs_pruning_path(
            small(OBSPrunedMLPRegressor), X, X[:, 0], sparsities=[0.5], X_val=X, y_val=X[:, :2]
        )
