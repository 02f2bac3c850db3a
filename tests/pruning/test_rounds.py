import numpy as np
import pytest
from networks import problem_of, random_network
from numpy.testing import assert_allclose, assert_array_equal
from oracles import textbook

from sklearn_obs.curvature import STRUCTURES, Measurement, factor_diagonal, gauss_newton
from sklearn_obs.network import Objective, forward, loss
from sklearn_obs.network.compaction import dead_weights
from sklearn_obs.plan import AdamSettings, Plan
from sklearn_obs.pruning import Scope, prune
from sklearn_obs.pruning.criteria import CRITERIA
from sklearn_obs.pruning.feasibility import LAYER_SIZE
from sklearn_obs.retraining.lbfgs import lbfgs
from sklearn_obs.retraining.solvers import LBFGS_SAMPLES, NEWTON_EPOCHS, NEWTON_WEIGHTS, solver_for

PLAN = Plan(
    criterion="obs",
    structure="full",
    curvature="ggn",
    damping=0.05,
    step=0.2,
    prune_intercepts=False,
    n_curvature_samples=1000,
    retrain_epochs=0,
    retrain_solver="lbfgs",
    max_loss_increase=None,
    n_swaps=0,
    granularity="weight",
    max_iter=200,
    tol=1e-4,
    adam=AdamSettings(),
    n_jobs=None,
    batch_bytes=2**24,
)


@pytest.fixture(scope="module")
def trained():
    network, X, y, v = random_network("tanh", "softmax", (6,), n_samples=80)
    objective = Objective(X, y, v, 1e-3)
    everything = np.ones(network.theta.size, bool)
    return lbfgs(network, everything, objective, epochs=300, tol=1e-6).network, objective


def measured(network, objective):
    return Measurement(network, objective.X, objective.y, objective.shares, "ggn")


def plan(**changes):
    return Plan(**{**vars(PLAN), **changes})


def run(trained, n_remove, first_round=1, mask=None, **changes):
    network, objective = trained
    mask = np.ones(network.theta.size, bool) if mask is None else mask
    problem = problem_of(network, objective, plan(**changes), mask=mask)
    rounds = prune(network, mask, problem, [n_remove], first_round=first_round)
    return [done for _, done in rounds]


def test_one_round_is_the_textbook_s(trained):
    network, objective = trained
    H = gauss_newton(measured(network, objective), np.arange(network.theta.size))
    penalty = np.where(np.arange(len(H)) < network.layout.n_coefs, objective.penalty, 0)
    H += np.diag(penalty)
    H += 0.05 * np.diag(H).mean() * np.eye(len(H))
    eligible = np.arange(len(H)) < network.layout.n_coefs
    order, saliency, weights = textbook(network.theta, np.linalg.inv(H), 10, eligible)
    (done,) = run(trained, 10, step=10)
    assert_array_equal(done.removed, order)
    assert_allclose(done.saliency, saliency, rtol=1e-9)
    assert_allclose(done.network.theta, weights, atol=1e-10)
    assert done.predicted_loss == pytest.approx(loss(network, objective) + saliency.sum())
    assert done.loss == done.pruned_loss == loss(done.network, objective)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_target_is_reached_exactly_and_the_removed_are_zero(trained, criterion, structure):
    network, _ = trained
    rounds = run(trained, 45, criterion=criterion, structure=structure, retrain_epochs=3)
    last = rounds[-1]
    removed = np.concatenate([r.removed for r in rounds])
    assert len(np.unique(removed)) == removed.size == 45
    assert np.all(removed < network.layout.n_coefs)
    assert_array_equal(np.flatnonzero(~last.mask), np.sort(removed))
    assert_array_equal(last.network.theta[~last.mask], 0)
    assert_array_equal(last.network.theta[dead_weights(last.network.layout, last.mask)], 0)
    assert [r.number for r in rounds] == list(range(1, len(rounds) + 1))


def test_round_sizes(trained):
    n = trained[0].layout.n_coefs  # 6 * 6 + 6 * 3 = 54
    assert [r.removed.size for r in run(trained, 30, step=0.2)] == [10, 8, 7, 5]
    for step in (12, np.int64(12)):  # as a grid over np.arange hands it over
        assert [r.removed.size for r in run(trained, 30, step=step)] == [12, 12, 6]
    assert [r.removed.size for r in run(trained, n, step=0.001)] == [1] * n


def test_rounds_go_on_where_they_stopped(trained):
    whole = run(trained, 25, retrain_epochs=2, n_curvature_samples=40)
    first = run(trained, 18, retrain_epochs=2, n_curvature_samples=40)
    network, mask = first[-1].network, first[-1].mask
    rest = run((network, trained[1]), 7, 3, mask, retrain_epochs=2, n_curvature_samples=40)
    assert_array_equal(rest[-1].network.theta, whole[-1].network.theta)


def test_curvature_samples_are_drawn_anew_each_round(trained):
    a = run(trained, 10, step=10, n_curvature_samples=20)[0]
    network, objective = trained
    everything = np.ones(network.theta.size, bool)
    sampled = plan(step=10, n_curvature_samples=20)
    other = problem_of(network, objective, sampled, seed=1)
    ((_, other_seed),) = prune(network, everything, other, [10])
    same = problem_of(network, objective, sampled)
    ((_, later),) = prune(network, everything, same, [10], first_round=2)
    for b in (other_seed, later):
        assert not np.array_equal(a.network.theta, b.network.theta)


def test_unread_inputs_and_dead_weights_are_removed_first_at_no_cost(trained):
    network, objective = trained
    X = objective.X.copy()
    X[:, 2] = 0
    objective = Objective(X, objective.y, objective.shares, objective.penalty)
    mask = np.ones(network.theta.size, bool)
    mask[network.layout.index[1][4]] = False  # unit 4 has no output: its 6 inputs are dead
    network = network.with_theta(network.theta * mask)
    problem = problem_of(network, objective, plan(step=5), mask=mask)
    rounds = [done for _, done in prune(network, mask, problem, [11])]
    removed = np.concatenate([r.removed for r in rounds])
    assert set(removed[:6]) == set(network.layout.index[0][:-1, 4])
    assert set(removed[6:11]) == set(np.delete(network.layout.index[0][2], 4))
    assert_array_equal(np.concatenate([r.saliency for r in rounds]), 0)
    # a costless removal changes no output, only the penalty
    for done in rounds:
        assert_allclose(forward(done.network, X)[-1], forward(network, X)[-1], atol=1e-15)


def test_obd_and_magnitude_rank_once_and_adjust_nothing(trained):
    network, objective = trained
    theta = network.theta
    h = factor_diagonal(measured(network, objective)) + objective.penalty
    (obd,) = run(trained, 15, step=15, criterion="obd")
    assert_array_equal(obd.removed, np.argsort((h * theta**2)[: network.layout.n_coefs])[:15])
    assert_allclose(obd.saliency, (h * theta**2 / 2)[obd.removed])
    (magnitude,) = run(trained, 15, step=15, criterion="magnitude")
    assert_array_equal(magnitude.removed, np.argsort(np.abs(theta[: network.layout.n_coefs]))[:15])
    assert np.isnan(magnitude.saliency).all()
    assert np.isnan(magnitude.predicted_loss)
    for done in (obd, magnitude):
        assert_array_equal(done.network.theta[done.mask], theta[done.mask])


def test_random_depends_on_seed_and_round_alone(trained):
    one, two = (run(trained, 15, step=15, criterion="random")[0] for _ in range(2))
    assert_array_equal(one.removed, two.removed)
    (later,) = run(trained, 15, first_round=2, step=15, criterion="random")
    assert not np.array_equal(one.removed, later.removed)


def test_intercepts_may_go_if_asked(trained):
    network, _ = trained
    rounds = run(trained, network.theta.size - 1, prune_intercepts=True, step=5)
    assert np.count_nonzero(rounds[-1].mask) == 1


def test_the_damping_in_force_is_named(trained):
    network, objective = trained
    X = np.hstack([objective.X[:, :-1], objective.X[:, :1]])  # two columns alike
    objective = Objective(X, objective.y, objective.shares, 0.0)
    problem = problem_of(network, objective, plan(damping=0))
    with pytest.raises(
        np.linalg.LinAlgError, match=r"damping=0, structure='full' and curvature='ggn'.*Increase"
    ):
        list(prune(network, np.ones(network.theta.size, bool), problem, [5]))


def test_auto_couples_layers_that_are_small_enough():
    network, *_ = random_network("tanh", "softmax", (3,), n_inputs=LAYER_SIZE // 3)
    everything, one_less = np.arange(network.theta.size), np.arange(3, network.theta.size)
    assert network.layout.index[0].size > LAYER_SIZE >= network.layout.index[0].size - 3

    def structure(keep, name):
        return Scope.of(
            network.layout, plan(structure=name), np.ones((1, LAYER_SIZE // 3))
        ).structure(keep)

    assert structure(everything, "auto") == "unit"
    assert structure(one_less, "auto") == "layer"
    assert structure(everything, "full") == "full"


def test_auto_has_no_unit_blocks_of_the_exact_hessian():
    network, *_ = random_network("tanh", "softmax", (3,), n_inputs=LAYER_SIZE // 3)
    chosen = plan(structure="auto", curvature="hessian")
    scope = Scope.of(network.layout, chosen, np.ones((1, LAYER_SIZE // 3)))
    assert scope.structure(np.arange(network.theta.size)) == "layer"


def test_auto_is_layer_on_a_small_network(trained):
    for curvature in ("ggn", "hessian"):
        auto, layer = (
            run(trained, 12, structure=name, curvature=curvature)[-1] for name in ("auto", "layer")
        )
        assert_array_equal(auto.network.theta, layer.network.theta)


@pytest.mark.parametrize(
    ("n_trainable", "n_samples", "epochs", "solver"),
    [
        (10_000, LBFGS_SAMPLES + 1, 200, "adam"),
        (NEWTON_WEIGHTS, LBFGS_SAMPLES, NEWTON_EPOCHS, "newton"),
        (NEWTON_WEIGHTS - 1, LBFGS_SAMPLES, NEWTON_EPOCHS, "lbfgs"),
        (NEWTON_WEIGHTS, LBFGS_SAMPLES, NEWTON_EPOCHS - 1, "lbfgs"),
    ],
)
def test_auto_retrains_by_weights_samples_and_epochs(n_trainable, n_samples, epochs, solver):
    assert solver_for(n_trainable, n_samples, epochs, plan(retrain_solver="auto")) == solver
    assert solver_for(n_trainable, n_samples, epochs, plan(retrain_solver="adam")) == "adam"


def test_auto_is_newton_and_then_lbfgs_as_the_network_shrinks():
    network, X, y, v = random_network("tanh", "softmax", (12,), n_samples=60)
    objective, everything = Objective(X, y, v, 1e-3), np.ones(network.theta.size, bool)
    assert network.theta.size > NEWTON_WEIGHTS
    options = {"step": 15, "retrain_epochs": NEWTON_EPOCHS}
    auto, newton, lbfgs_ = (
        run((network, objective), 60, mask=everything, retrain_solver=solver, **options)
        for solver in ("auto", "newton", "lbfgs")
    )
    assert auto[0].loss == newton[0].loss != lbfgs_[0].loss
    assert np.count_nonzero(auto[-1].mask) < NEWTON_WEIGHTS
    assert auto[-1].loss != newton[-1].loss
