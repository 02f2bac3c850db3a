import numpy as np
import pytest
from networks import random_network
from numpy.testing import assert_allclose, assert_array_equal
from oracles import jacobian
from scipy.sparse import csr_array
from sklearn.metrics import log_loss, mean_poisson_deviance

from sklearn_obs.network import Objective, forward, layers, loss, loss_and_gradient, mean_objective
from sklearn_obs.network.losses import activate, sample_losses

KINDS = [
    (activation, out)
    for activation in ("identity", "logistic", "tanh", "relu")
    for out in ("softmax", "logistic", "identity", "exp")
]


@pytest.mark.parametrize(("activation", "out"), KINDS)
@pytest.mark.parametrize("hidden", [(), (4,), (5, 3)])
def test_gradient_against_finite_differences(activation, out, hidden):
    network, X, y, v = random_network(activation, out, hidden)
    objective = Objective(X, y, v, penalty=0.3)
    value, gradient = loss_and_gradient(network, objective)
    numeric = jacobian(lambda t: loss(network.with_theta(t), objective), network.theta, 1e-5)
    # truncation h^2 = 1e-10, rounding eps / h = 1e-11, times a loss of order 10
    assert_allclose(gradient, numeric, atol=1e-8)
    assert value == pytest.approx(loss(network, objective), rel=1e-15)


def test_losses_are_the_textbook_s():
    rng = np.random.default_rng(0)
    p, labels = rng.dirichlet(np.ones(4), size=20), rng.integers(4, size=20)
    exact = log_loss(labels, p, labels=range(4))
    assert sample_losses("softmax", p, np.eye(4)[labels]).mean() == pytest.approx(exact)
    sets = rng.integers(2, size=p.shape)
    exact = -np.sum(np.log(np.where(sets, p, 1 - p)), axis=1)
    assert_allclose(sample_losses("logistic", p, sets), exact)
    assert_allclose(sample_losses("identity", p, sets), 0.5 * np.sum((p - sets) ** 2, axis=1))
    counts, p = rng.poisson(1.5, size=(20, 1)), 3 * p[:, :1]
    exact = mean_poisson_deviance(counts, p) / 2
    assert sample_losses("exp", p, counts.astype(float)).mean() == pytest.approx(exact)


def test_saturated_outputs_stay_finite():
    z = np.array([[1e4, -1e4, 0.0]])
    for out in ("softmax", "logistic"):
        p = activate(out, z.copy())
        assert np.isfinite(p).all()
        assert np.isfinite(sample_losses(out, p, np.array([[0.0, 1.0, 0.0]]))).all()
    p = activate("exp", np.array([[-1e4, -1e4]]))  # underflows
    assert np.isfinite(sample_losses("exp", p, np.array([[0.0, 1.0]]))).all()


def test_exponentials_that_overflow_have_an_infinite_loss_and_no_gradient():
    network, X, y, v = random_network("tanh", "exp", (4,))
    objective = Objective(X, y, v, penalty=0.0)
    large = network.with_theta(network.theta * 1e6)
    value, gradient = loss_and_gradient(large, objective)
    assert value == loss(large, objective) == np.inf
    assert_array_equal(gradient, 0)


def test_flat_order_is_coefs_then_intercepts():
    network, *_ = random_network("relu", "softmax", (4, 5))
    exact = np.concatenate([a.ravel() for a in (*network.coefs, *network.intercepts)])
    assert_array_equal(network.theta, exact)
    for layer, index in enumerate(network.layout.index):
        assert_array_equal(network.theta[index[:-1]], network.coefs[layer])
        assert_array_equal(network.theta[index[-1]], network.intercepts[layer])
    moved = network.with_theta(network.theta + 1)
    assert_array_equal(moved.theta, network.theta + 1)


def test_batches_do_not_change_the_sum(monkeypatch):
    network, X, y, v = random_network("tanh", "softmax", (4,), n_samples=50)
    objective = Objective(X, y, v, penalty=0.1)
    value, gradient = loss_and_gradient(network, objective)
    monkeypatch.setattr(layers, "BATCH_SAMPLES", 7)
    monkeypatch.setattr(layers.sample_batches, "__defaults__", (7,))
    value_2, gradient_2 = loss_and_gradient(network, objective)
    assert value_2 == pytest.approx(value, rel=1e-14)  # the same sum, reordered
    assert_allclose(gradient_2, gradient, atol=1e-15)


def test_sparse_rows():
    network, X, y, v = random_network("tanh", "softmax", (4,))
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.5, 0, X)
    dense = loss_and_gradient(network, Objective(X, y, v, 0.1))
    sparse = loss_and_gradient(network, Objective(csr_array(X), y, v, 0.1))
    assert sparse[0] == pytest.approx(dense[0], rel=1e-14)
    assert_allclose(sparse[1], dense[1], atol=1e-15)
    assert_allclose(forward(network, csr_array(X))[-1], forward(network, X)[-1], atol=1e-15)


@pytest.mark.parametrize("step_samples", [10, 40])
def test_the_penalty_is_that_of_one_dense_step(step_samples):
    weight = np.linspace(1, 3, 40)
    objective = mean_objective(np.ones((40, 2)), None, weight, alpha=0.5, step_samples=step_samples)
    assert objective.shares.sum() == pytest.approx(1)
    assert objective.penalty == pytest.approx(0.5 / (step_samples * weight.mean()))


def test_a_loss_that_overflows_is_not_finite_and_warns_nobody():
    network, X, y, v = random_network("identity", "identity", (4,))
    large = network.with_theta(network.theta * 1e200)
    assert not np.isfinite(loss(large, Objective(X, y, v, 1e-3)))
