"""Whatever fails, and wherever: nothing that has been finished is lost, nothing half-done is kept.

An error is raised at each named stage of `fit` and `prune`, and the promise is asserted after it.
"""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import LinAlgError
from sklearn.neural_network import MLPClassifier
from small_nets import assert_same, small

from sklearn_obs.estimators import run
from sklearn_obs.pruning import criteria, feasibility, removal, rounds, swaps

ERRORS = [KeyboardInterrupt, MemoryError, LinAlgError]

# name -> (module, attribute)
BEFORE_THE_ROUNDS = {
    "search for zeros": (feasibility, "never_read"),
    "memory": (feasibility, "available_bytes"),
    "loss at the start": (rounds, "evaluate"),
}
IN_A_ROUND = {
    "curvature": (criteria, "measure"),
    "diagonal": (criteria, "factor_diagonal"),
    "elimination": (criteria, "eliminate_blocks"),
    "folding": (removal, "fold_constants"),
    "retraining": (rounds, "retrain"),
}
IN_SWAPS = {
    "measurement": (swaps, "measure"),
    "matrix": (swaps, "gauss_newton"),
    "model": (swaps, "SwapModel"),
    "retraining": (swaps, "retrain"),
}
IN_IMPORTANCES = {"saliencies": (run, "importances")}


@pytest.fixture
def failing(monkeypatch):
    """A function that makes call `number` (from 0) of module.name raise an error, and no other."""

    def fail(place, error, number=0):
        module, name = place
        original, calls = getattr(module, name), iter(range(10**6))

        def wrapped(*args, **kwargs):
            if next(calls) == number:
                raise error("made to fail")
            return original(*args, **kwargs)

        monkeypatch.setattr(module, name, wrapped)

    return fail


def works(clf, X):
    """A network that predicts, and whose attributes agree."""
    assert np.isfinite(clf.predict_proba(X)).all()
    for W, mask in zip(clf.coefs_, clf.masks_, strict=True):
        assert (W[~mask] == 0).all()
    assert clf.n_weights_ == sum(int(mask.sum()) for mask in clf.masks_)
    assert len(clf.pruning_path_["loss"]) == clf.n_rounds_


@pytest.mark.parametrize(
    "stage, error",
    [
        (stage, error)
        for stage in BEFORE_THE_ROUNDS
        for error in ERRORS
        # Ctrl-C once the rounds have begun keeps the finished ones: see below
        if (stage, error) != ("loss at the start", KeyboardInterrupt)
    ],
)
def test_before_the_rounds(iris, failing, stage, error):
    """A first fit leaves nothing, a second one, or a prune, what there was."""
    clf = small(structure="layer").fit(*iris)
    before = pickle.loads(pickle.dumps(clf))
    new = small(structure="layer")
    failing(BEFORE_THE_ROUNDS[stage], error)
    with pytest.raises(error):
        new.fit(*iris)
    assert not [name for name in vars(new) if name.endswith("_")]
    failing(BEFORE_THE_ROUNDS[stage], error)
    with pytest.raises(error):
        clf.fit(*iris)
    assert_same(clf, before)
    failing(BEFORE_THE_ROUNDS[stage], error)
    with pytest.raises(error):
        clf.prune(*iris, target_sparsity=0.9)
    assert_same(clf, before)


@pytest.mark.parametrize("error", [MemoryError, LinAlgError, ValueError])
def test_in_the_initial_training(iris, failing, error):
    """scikit-learn's adam swallows Ctrl-C, so that it is left out."""
    clf = small().fit(*iris)
    before = pickle.loads(pickle.dumps(clf))
    failing((MLPClassifier, "fit"), error)
    with pytest.raises(error):
        clf.fit(*iris)
    assert_same(clf, before)


@pytest.mark.parametrize("error", [MemoryError, LinAlgError])
@pytest.mark.parametrize("stage", IN_A_ROUND)
@pytest.mark.parametrize("number", [0, 1])
def test_in_a_round(iris, failing, stage, error, number):
    clf = small(structure="layer", target_sparsity=0.3).fit(*iris)
    before = pickle.loads(pickle.dumps(clf))
    failing(IN_A_ROUND[stage], error, number)
    with pytest.raises(error):
        clf.prune(*iris, target_sparsity=0.8)
    assert_same(clf, before)
    failing(IN_A_ROUND[stage], error, number)
    with pytest.raises(error):
        clf.set_params(target_sparsity=0.8).fit(*iris)
    clf.set_params(target_sparsity=0.3)
    assert_same(clf, before)


@pytest.mark.parametrize("stage", [*IN_A_ROUND, "loss at the start"])
@pytest.mark.parametrize("number", [0, 1])
def test_control_c_in_a_round_keeps_the_finished_ones(iris, failing, stage, number):
    whole = small(structure="layer").fit(*iris)
    failing((BEFORE_THE_ROUNDS | IN_A_ROUND)[stage], KeyboardInterrupt, number)
    with pytest.warns(UserWarning, match="interrupted by user: the . finished rounds are kept"):
        clf = small(structure="layer").fit(*iris)
    works(clf, iris[0])
    assert clf.n_rounds_ < whole.n_rounds_
    n = clf.n_rounds_
    for name in ("loss", "n_weights"):
        np.testing.assert_array_equal(clf.pruning_path_[name], whole.pruning_path_[name][:n])
    assert_same(clf.prune(*iris), whole)  # and goes on where it was


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("stage", IN_SWAPS)
def test_in_swaps(iris, failing, stage, error):
    """The network without them is there."""
    options = {"n_swaps": 2, "retrain_epochs": 4, "target_sparsity": 0.8}
    without = small(**options | {"n_swaps": 0}).fit(*iris)
    failing(IN_SWAPS[stage], error)
    words = "interrupted by user" if error is KeyboardInterrupt else "Swaps end"
    with pytest.warns(UserWarning, match=words):
        clf = small(**options).fit(*iris)
    assert_same(clf, without)
    np.testing.assert_array_equal(clf.feature_importances_, without.feature_importances_)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("task", ["fit", "prune"])
def test_in_the_importances(iris, failing, error, task):
    whole = small().fit(*iris)
    clf = small(target_sparsity=0.3).fit(*iris) if task == "prune" else small()
    failing(IN_IMPORTANCES["saliencies"], error)
    with pytest.warns(UserWarning, match=r"importances .* could not be computed: made to fail"):
        clf = clf.fit(*iris) if task == "fit" else clf.prune(*iris, target_sparsity=0.6)
    works(clf, iris[0])
    assert clf.sparsity_ == whole.sparsity_
    if task == "fit":
        assert_same(clf, whole)
    with pytest.raises(ValueError, match=r"could not be (computed|inverted)"):
        np.asarray(clf.feature_importances_)


def test_a_loss_that_is_not_finite_ends_pruning(iris, monkeypatch):
    """The last network whose loss is finite is kept."""
    whole, original, calls = small(step=10).fit(*iris), rounds.evaluate, iter(range(100))

    def evaluated(*arguments):  # at the start, then after each removal and its retraining
        found = original(*arguments)
        return replace(found, objective=np.nan) if next(calls) == 4 else found

    monkeypatch.setattr(rounds, "evaluate", evaluated)
    with pytest.warns(RuntimeWarning, match="ends before round 2, which left a loss of nan"):
        clf = small(step=10).fit(*iris)
    assert clf.n_rounds_ == 1
    np.testing.assert_array_equal(clf.pruning_path_["loss"], whole.pruning_path_["loss"][:1])
    works(clf, iris[0])


def test_a_network_that_is_not_finite_is_refused(iris):
    dense = MLPClassifier((6, 5), max_iter=10, random_state=0).fit(*iris)
    dense.coefs_[0][2, 3] = np.nan
    clf = type(small()).from_sklearn(dense)
    with pytest.raises(ValueError, match="loss of the network is inf before anything is removed"):
        clf.prune(*iris, target_sparsity=0.5)
