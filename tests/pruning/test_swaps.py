"""Weights that come back, and the limit on the loss."""

from dataclasses import replace

import numpy as np
import pytest
from networks import problem_of
from numpy.testing import assert_array_equal
from scipy.linalg import LinAlgError
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from small_nets import N_WEIGHTS, assert_same, small

from sklearn_obs.curvature import gauss_newton, measure
from sklearn_obs.estimators.attributes import network_of
from sklearn_obs.estimators.core_plan import plan_of
from sklearn_obs.estimators.run import objective_of
from sklearn_obs.network import Losses, loss_and_gradient

# private: what the model of swaps holds is checked against the loss itself
from sklearn_obs.pruning import feasibility, movement, rounds, swaps


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


HARD = {"target_sparsity": 0.8, "retrain_solver": "newton", "retrain_epochs": 8, "max_iter": 200}


@pytest.fixture(scope="module")
def pruned(iris):
    return small(**HARD).fit(*iris)


@pytest.fixture(scope="module")
def swapped(iris):
    return small(**HARD, n_swaps=4).fit(*iris)


def test_swaps_lower_the_loss_at_the_same_sparsity(pruned, swapped):
    assert swapped.n_rounds_ > pruned.n_rounds_
    assert swapped.n_rounds_ <= pruned.n_rounds_ + 4
    assert swapped.n_weights_ == pruned.n_weights_ == N_WEIGHTS - round(0.8 * N_WEIGHTS)
    assert swapped.sparsity_ == pruned.sparsity_
    losses = swapped.pruning_path_["loss"][pruned.n_rounds_ - 1 :]
    assert losses[0] == pruned.loss_
    assert (np.diff(losses) < 0).all()
    assert swapped.loss_ == losses[-1]


def test_at_its_own_sparsity_a_network_is_swapped_alone(iris, pruned, swapped):
    """Removal and then swaps are the swaps that follow a removal."""
    later = small(**HARD).fit(*iris).set_params(n_swaps=4)
    assert_same(later.prune(*iris, target_sparsity=later.sparsity_), swapped)
    n_rounds, loss = later.n_rounds_, later.loss_
    later.set_params(n_swaps=1).prune(*iris, n_weights=later.n_weights_)  # and on
    assert later.n_rounds_ <= n_rounds + 1
    assert later.loss_ <= loss
    dense = small(target_sparsity=0, n_swaps=2).fit(*iris)
    before = [W.copy() for W in dense.coefs_]
    dense.prune(*iris, target_sparsity=0)  # nothing could come back
    assert dense.n_rounds_ == 0
    for W, V in zip(dense.coefs_, before, strict=True):
        assert_array_equal(W, V)
    assert_same(small(**HARD).fit(*iris).prune(*iris), pruned)  # without swaps nothing happens


def test_the_path_tells_the_mask(swapped):
    path, alive = swapped.pruning_path_, np.ones(N_WEIGHTS, bool)
    for number in range(1, swapped.n_rounds_ + 1):
        back = path["regrown"][path["regrown_round"] == number]
        gone = path["removed"][path["round"] == number]
        assert not alive[back].any()
        alive[back] = True
        assert alive[gone].all()
        alive[gone] = False
        assert alive.sum() == path["n_weights"][number - 1]
    assert_array_equal(alive, np.concatenate([m.ravel() for m in swapped.masks_]))
    assert path["regrown"].size > 0
    for W, m in zip(swapped.coefs_, swapped.masks_, strict=True):
        assert (W[~m] == 0).all()


def test_no_swap_is_taken_that_does_not_lower_the_measured_loss(iris, pruned, monkeypatch):
    monkeypatch.setattr(swaps, "evaluate", lambda network, objective: Losses(np.inf, np.inf))
    assert_same(small(**HARD, n_swaps=4).fit(*iris), pruned)


def test_failed_swaps_are_halved_then_weights_regrow(iris, pruned, monkeypatch):
    """The order of attempts, read off the masks that are retrained."""
    network, objective = network_of(pruned, vars(pruned)), _objective(pruned, iris)
    mask = _mask(pruned)
    sizes = []

    def watched(start, alive, *args, **options):
        sizes.append((np.count_nonzero(alive & ~mask), np.count_nonzero(mask & ~alive)))
        return original(start, alive, *args, **options)

    original = swaps.retrain
    for module in (swaps, movement):
        monkeypatch.setattr(module, "retrain", watched)
    rng = np.random.default_rng(0)
    plan = replace(plan_of(pruned), n_swaps=N_WEIGHTS)
    problem = problem_of(network, objective, plan, mask=mask)
    nothing = swaps.find_swap(network, mask, problem, -1.0, rng)
    assert nothing is None  # no loss is below -1
    swapped = [n for n, m in sizes if n == m]
    regrown = [n for n, m in sizes if m == 0]
    assert swapped[0] > 0
    n_remaining = N_WEIGHTS - round(0.8 * N_WEIGHTS)
    assert regrown[0] == int(swaps.REGROWN_SHARE * n_remaining)
    assert regrown == [regrown[0] // 2**i for i in range(len(regrown))]
    assert sizes.index((regrown[0], 0)) > 0  # swaps were tried first


def _objective(estimator, iris):
    X, y = iris
    targets = estimator._encode(y, estimator.classes_)
    return objective_of(estimator, vars(estimator), X, targets, None)


def _mask(estimator):
    return np.concatenate([m.ravel() for m in (*estimator.masks_, *estimator.intercept_masks_)])


def test_model_is_that_of_the_loss(iris, pruned):
    network, objective, mask = (
        network_of(pruned, vars(pruned)),
        _objective(pruned, iris),
        _mask(pruned),
    )
    plan, rng = plan_of(pruned), np.random.default_rng(0)
    problem = problem_of(network, objective, plan, mask=mask)
    model, members = swaps._model(network, mask, problem, rng)
    H = gauss_newton(measure(network, objective, plan, rng), np.arange(network.theta.size))
    H += np.diag(np.where(np.arange(len(H)) < network.layout.n_coefs, objective.penalty, 0))
    H += plan.damping * np.diag(H)[mask].mean() * np.eye(len(H))
    assert_array_equal(members, np.arange(len(H)))
    _, g = loss_and_gradient(network, objective)
    C = np.linalg.inv(H[np.ix_(mask, mask)])
    a = np.flatnonzero(mask)
    np.testing.assert_allclose(model.costs()[a], network.theta[a] ** 2 / (2 * C.diagonal()))
    b = np.flatnonzero(~mask)
    S = np.diag(H[np.ix_(b, b)] - H[np.ix_(b, a)] @ C @ H[np.ix_(a, b)])
    np.testing.assert_allclose(model.gains()[b], g[b] ** 2 / (2 * S), rtol=1e-9)


def test_a_large_network_has_the_most_promising_weights_in_its_model(iris, pruned, monkeypatch):
    network, objective, mask = (
        network_of(pruned, vars(pruned)),
        _objective(pruned, iris),
        _mask(pruned),
    )
    problem = problem_of(network, objective, plan_of(pruned), mask=mask)
    everything, members = swaps._model(network, mask, problem, np.random.default_rng(0))
    monkeypatch.setattr(feasibility, "MODEL_SIZE", 0)
    _, some = swaps._model(network, mask, problem, np.random.default_rng(0))
    n_remaining = np.count_nonzero(mask)
    assert some.size == 2 * n_remaining < members.size
    assert mask[some].sum() == n_remaining
    gains = everything.gains()
    left = np.setdiff1d(members, some)
    # chosen by a lower bound of the gain: the best are in
    assert np.argsort(-np.nan_to_num(gains))[0] in some
    assert gains[left].mean() < gains[some[~mask[some]]].mean()


def test_a_model_that_does_not_fit_names_the_remedy(iris, monkeypatch):
    monkeypatch.setattr(feasibility, "available_bytes", lambda: 1000)
    monkeypatch.setattr(MLPClassifier, "fit", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(MemoryError, match=r"^Swaps of .* need .* but 1 kB .*`n_swaps=0`"):
        small(**HARD, n_swaps=1, criterion="magnitude").fit(*iris)


def test_a_model_that_cannot_be_inverted_names_the_remedy_and_loses_nothing(
    iris, pruned, monkeypatch
):
    def broken(*args):
        raise LinAlgError("not positive definite")

    monkeypatch.setattr(swaps, "SwapModel", broken)
    message = r"damping=0\.02: not positive definite\. Increase"
    with pytest.warns(
        UserWarning, match=f"Swaps end here, and the network is kept as it is: .*{message}"
    ):
        clf = small(**HARD, n_swaps=1).fit(*iris)
    assert_same(clf, pruned)


# the limit on the loss


def test_loss_stays_within_the_limit_and_the_last_round_is_undone(iris):
    free = small(target_sparsity=0.95).fit(*iris)
    dense = small(target_sparsity=0).fit(*iris)
    path = free.pruning_path_
    start = log_loss(iris[1], dense.predict_proba(iris[0]))
    for increase in (0.0, 0.05, 0.5, 5.0):
        limited = small(target_sparsity=0.95, max_loss_increase=increase).fit(*iris)
        too_much = path["label_loss"] > (1 + increase) * start
        n = int(np.argmax(too_much)) if too_much.any() else free.n_rounds_
        assert limited.n_rounds_ == n
        for name in ("n_weights", "label_loss"):
            assert_array_equal(limited.pruning_path_[name], path[name][:n])
        assert limited.sparsity_ == pytest.approx(
            1 - (path["n_weights"][n - 1] if n else N_WEIGHTS) / N_WEIGHTS
        )
    assert n > 0


def test_prune_measures_the_limit_from_where_it_starts(iris):
    clf = small(target_sparsity=0.5, max_iter=300).fit(*iris)
    before = log_loss(iris[1], clf.predict_proba(iris[0]))
    clf.set_params(max_loss_increase=0.1, step=1, retrain_epochs=0, criterion="magnitude")
    clf.prune(*iris, target_sparsity=0.95)
    assert 0.5 < clf.sparsity_ < 0.95
    assert log_loss(iris[1], clf.predict_proba(iris[0])) <= 1.1 * before


def test_without_room_nothing_happens(iris, monkeypatch):
    dense = small(target_sparsity=0).fit(*iris)
    monkeypatch.setattr(rounds, "evaluate", lambda network, objective: next(losses))
    losses = iter([Losses(1.0, 1.0), Losses(0.5, 2.0), Losses(0.5, 2.0)])
    clf = small(max_loss_increase=0).fit(*iris)
    assert clf.sparsity_ == 0
    assert clf.n_rounds_ == 0
    assert_array_equal(clf.coefs_[0], dense.coefs_[0])


@pytest.mark.parametrize("curvature", ["ggn", "fisher", "empirical_fisher", "hessian"])
def test_swaps_and_newton_work_with_every_kind(iris, curvature):
    parameters = {**HARD, "structure": "full", "curvature": curvature, "n_swaps": 1}
    clf = small(**parameters, n_curvature_samples=100).fit(*iris)
    assert np.isfinite(clf.pruning_path_["loss"]).all()
    assert clf.n_weights_ == N_WEIGHTS - round(0.8 * N_WEIGHTS)


def test_workers_and_threads_do_not_change_a_bit(iris, swapped, monkeypatch):
    monkeypatch.setattr("sklearn_obs.elimination.blocks.SMALL_WORK", 0)  # or they would not be used
    monkeypatch.setattr("sklearn_obs.curvature.measurement.BATCH_BYTES", 2**12)
    alone = small(**HARD, n_swaps=4, n_jobs=1).fit(*iris)
    together = small(**HARD, n_swaps=4, n_jobs=2).fit(*iris)
    together.n_jobs = 1
    assert_same(alone, together)
