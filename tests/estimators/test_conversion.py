"""Networks that come from scikit-learn and go back: what they remember of their training."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from small_nets import ESTIMATORS, assert_same, small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.export import export_skops, load_skops

X, CLASSES = load_iris(return_X_y=True)
X = scale(X)
RNG = np.random.default_rng(0)
TARGETS = {
    "classes": (OBSPrunedMLPClassifier, CLASSES),
    "words": (OBSPrunedMLPClassifier, np.array(["a", "b", "c"])[CLASSES]),
    "two": (OBSPrunedMLPClassifier, CLASSES == 1),
    "one": (OBSPrunedMLPClassifier, np.full(150, "only")),
    "label sets": (OBSPrunedMLPClassifier, RNG.integers(2, size=(150, 3))),
    "values": (OBSPrunedMLPRegressor, 30 * (X[:, 0] + np.sin(2 * X[:, 1]))),
    "several values": (OBSPrunedMLPRegressor, X[:, :2] ** 2),
}
TRAININGS = {
    "adam": {},
    "adam to the end": {"max_iter": 300, "tol": 0.01, "n_iter_no_change": 2},
    "batches": {"batch_size": 13},
    "lbfgs": {"solver": "lbfgs"},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.05},
    "early stopping": {"early_stopping": True},
    "early stopping to the end": {"early_stopping": True, "tol": 0.05, "n_iter_no_change": 2},
    "no hidden layer": {"hidden_layer_sizes": ()},
}
WAYS = ["from_sklearn", "fit", "pickle", "skops", "compact", "keep_zeros"]
KEPT = (
    "loss_",
    "best_loss_",
    "loss_curve_",
    "n_iter_",
    "t_",
    "validation_scores_",
    "best_validation_score_",
)


def there_and_back(way, ours, theirs, parameters, y, folder):
    """scikit-learn's estimator with the network of `theirs`, after it has been one of ours."""
    if way == "fit":
        mine = ours(**parameters, target_sparsity=0).fit(X, y)
    else:
        mine = ours.from_sklearn(theirs, keep_zeros=way == "keep_zeros")
    if way == "pickle":
        mine = pickle.loads(pickle.dumps(mine))
    if way == "skops":
        pytest.importorskip("skops")
        export_skops(mine, folder / "mine.skops", overwrite=True)
        mine = load_skops(folder / "mine.skops")
    return (mine.compact() if way == "compact" else mine).to_sklearn()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("training", TRAININGS)
def test_it_trains_on_as_the_network_that_went_in(training, way, tmp_path):
    names = ("two", "several values") if way != "from_sklearn" else TARGETS
    for name in names:
        ours, y = TARGETS[name]
        if y.dtype.kind == "U" and "early" in training:
            continue  # scikit-learn 1.7.0 cannot score words in early stopping
        parameters = {"hidden_layer_sizes": (6, 3), "max_iter": 12, "random_state": 0}
        parameters |= TRAININGS[training]
        theirs = ours._dense_class(**parameters).fit(X, y)
        back = there_and_back(way, ours, theirs, parameters, y, tmp_path)
        for attribute in KEPT:
            if hasattr(theirs, attribute):
                assert getattr(back, attribute) == getattr(theirs, attribute), attribute
        for _ in range(2):  # the second time from its own records
            for mlp in (theirs, back):
                mlp.set_params(warm_start=True, max_iter=40).fit(X, y)
            for mine, other in zip(
                back.coefs_ + back.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
            ):
                assert_array_equal(mine, other)
            assert back.n_iter_ == theirs.n_iter_ and back.loss_ == theirs.loss_


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("way", ["as it is", "compact", "from_sklearn"])
@pytest.mark.parametrize("name", ["classes", "label sets", "values"])
def test_a_pruned_network_trains_on_from_its_own_best(name, way, early_stopping):
    ours, y = TARGETS[name]
    mine = small(
        ours, max_iter=400, early_stopping=early_stopping, target_sparsity=0.7, retrain_epochs=0
    ).fit(X, y)
    if way == "compact":
        mine = mine.compact()
    mlp = mine.to_sklearn()
    if way == "from_sklearn":
        mlp = ours.from_sklearn(mlp, keep_zeros=True).to_sklearn()
    assert mlp.n_iter_ == mine.n_iter_ and list(mlp.loss_curve_) == list(mine.loss_curve_)
    assert mlp.best_loss_ == (None if early_stopping else np.inf)
    before, n_before = mlp.score(X, y), len(mlp.loss_curve_)
    mlp.set_params(warm_start=True, max_iter=60, tol=0).fit(X, y)
    curve = np.array(mlp.loss_curve_[n_before:])
    if early_stopping:
        assert mlp.best_validation_score_ == max(mlp.validation_scores_[-len(curve) :])
    else:
        assert mlp.best_loss_ == curve.min()
        assert curve.argmin() > 11  # not stopped for the dense network's best
    assert mlp.score(X, y) >= before - 0.1


@pytest.mark.parametrize("name", ["classes", "label sets", "values"])
def test_another_solver_may_go_on(name):
    """There are records for it to begin with, and no moments of anybody else."""
    ours, y = TARGETS[name]
    mine = small(ours, solver="lbfgs", target_sparsity=0.5).fit(X, y)
    mine.to_sklearn().set_params(solver="adam", warm_start=True).fit(X, y)
    step = {"solver": "sgd", "momentum": 0.9, "learning_rate_init": 1e-3}
    once, twice = (mine.to_sklearn().set_params(**step) for _ in range(2))
    for mlp in (once, twice.set_params(warm_start=True, max_iter=1, shuffle=False)):
        mlp.set_params(shuffle=False)
    once.partial_fit(X, y)
    twice.fit(X, y)  # begins with new moments
    assert_array_equal(once.coefs_[0], twice.coefs_[0])


def test_records_are_not_shared():
    mlp = MLPClassifier((4,), max_iter=5, random_state=0).fit(X, CLASSES)
    mine = OBSPrunedMLPClassifier.from_sklearn(mlp)
    first, second = mine.to_sklearn(), mine.to_sklearn()
    first.set_params(warm_start=True).fit(X, CLASSES)
    assert second.loss_curve_ == mlp.loss_curve_ == mine.loss_curve_
    assert len(first.loss_curve_) > 5


# What was removed


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("granularity", ["weight", "unit", "input"])
def test_zeros_are_what_was_removed(cls, granularity):
    pruned = small(cls, granularity=granularity, target_sparsity=0.2).fit(X, CLASSES)
    n_dense = sum(W.size for W in pruned.coefs_)
    again = cls.from_sklearn(pruned.to_sklearn(), keep_zeros=True)
    for mask, W in zip(again.masks_, pruned.coefs_, strict=True):
        assert_array_equal(mask, W != 0)
    assert all(mask.all() for mask in again.intercept_masks_)
    assert again.n_weights_ == pruned.n_weights_ - pruned.n_dead_weights_
    assert again.sparsity_ == 1 - again.n_weights_ / n_dense
    assert_array_equal(again.inputs_, pruned.inputs_)
    assert_array_equal(again.predict(X), pruned.predict(X))
    again.prune(X, CLASSES, target_sparsity=0.8)
    assert again.n_weights_ == n_dense - round(0.8 * n_dense)
    for W, V in zip(again.coefs_, pruned.coefs_, strict=True):
        assert not W[V == 0].any()


def test_intercepts_are_never_taken_for_removed():
    mlp = MLPRegressor(hidden_layer_sizes=(4,), max_iter=5, random_state=0).fit(X, CLASSES)
    mlp.intercepts_[0][:] = 0
    mine = OBSPrunedMLPRegressor.from_sklearn(mlp, keep_zeros=True, prune_intercepts=True)
    assert mine.sparsity_ == 0 and all(mask.all() for mask in mine.intercept_masks_)
    OBSPrunedMLPRegressor.from_sklearn(mlp)  # nor is there a warning


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_zeros_that_are_not_kept_are_reported(cls):
    pruned = small(cls, target_sparsity=0.5).fit(X, CLASSES)
    n_zeros = sum(int((W == 0).sum()) for W in pruned.coefs_)
    with pytest.warns(UserWarning, match=f"{n_zeros} weights are exactly 0.* keep_zeros=True") as w:
        again = cls.from_sklearn(pruned.to_sklearn())
    assert len(w) == 1 and w[0].filename == __file__
    assert again.sparsity_ == 0 and all(mask.all() for mask in again.masks_)


# What is refused


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_pipeline_is_refused_with_the_lines_to_write(cls):
    pipeline = make_pipeline(StandardScaler(), cls._dense_class(max_iter=5)).fit(X, CLASSES)
    with pytest.raises(TypeError, match=f"Got a Pipeline, .* {cls._dense_class.__name__}") as error:
        cls.from_sklearn(pipeline)
    lines = [line.strip() for line in str(error.value).splitlines()[1:]]
    names = {cls.__name__: cls, "pipeline": pipeline, "X": X, "y": CLASSES}
    exec("\n".join(lines), names)
    assert names["pruned"].sparsity_ == 0.9


def test_a_search_is_refused_with_its_attribute():
    search = GridSearchCV(MLPClassifier(max_iter=5), {"alpha": [1, 2]}, cv=2).fit(X, CLASSES)
    with pytest.raises(TypeError, match=r"Got a GridSearchCV, .* `best_estimator_`"):
        OBSPrunedMLPClassifier.from_sklearn(search)
    OBSPrunedMLPClassifier.from_sklearn(search.best_estimator_)


def test_conversion_leaves_the_estimator_as_it_was():
    mine = small().fit(X, CLASSES)
    before = pickle.loads(pickle.dumps(mine))
    mine.to_sklearn().set_params(warm_start=True).fit(X, CLASSES)
    mine.compact().prune(X, CLASSES, target_sparsity=0.95)
    assert_same(mine, before)
