"""Newton's retraining: its products, its steps, and that nothing diverges."""

from functools import partial

import numpy as np
import pytest
from networks import random_network
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from sklearn_obs.curvature import Measurement, gauss_newton
from sklearn_obs.network import Objective, forward, gauss_newton_times, loss, loss_and_gradient

# private: products and steps of conjugate gradients are checked one by one
from sklearn_obs.retraining import newton as newton_module
from sklearn_obs.retraining.lbfgs import lbfgs
from sklearn_obs.retraining.newton import newton

KINDS = [
    (activation, out)
    for activation in ("identity", "logistic", "tanh", "relu")
    for out in ("softmax", "logistic", "identity")
]


def retrained(network, free, objective, epochs, **options):
    options = {"tol": 1e-7, "damping": 0.02, "batch_bytes": 2**24, **options}
    measure = partial(measured_of, objective)
    return newton(network, free, objective, measure, epochs=epochs, **options)


def measured_of(objective, network):
    return Measurement(network, objective.X, objective.y, objective.shares, "ggn")


@pytest.fixture
def pruned():
    network, X, y, v = random_network("tanh", "softmax", (5,), n_samples=60)
    free = np.random.default_rng(1).random(network.theta.size) < 2 / 3
    return network.with_theta(np.where(free, network.theta, 0)), Objective(X, y, v, 1e-2), free


@pytest.mark.parametrize(("activation", "out"), KINDS)
@pytest.mark.parametrize("hidden", [(), (4,), (5, 3)])
def test_product_is_that_of_the_matrix(activation, out, hidden):
    network, X, y, v = random_network(activation, out, hidden)
    everything = np.arange(network.layout.n_parameters)
    H = gauss_newton(Measurement(network, X, y, v, "ggn"), everything)
    d = np.random.default_rng(1).normal(size=everything.size)
    for rows in (X, csr_array(X)):
        product = gauss_newton_times(network, forward(network, rows), v, d)
        assert_allclose(product, H @ d, rtol=1e-12, atol=1e-13)


def test_product_in_batches_kept_or_not(pruned, monkeypatch):
    network, objective, free = pruned
    (keep,) = np.nonzero(free)
    v = np.random.default_rng(0).normal(size=keep.size)
    whole = newton_module._values(network, objective, 2**24)
    exact = newton_module._times(whole, network, objective, keep, v)
    batches = [slice(0, 25), slice(25, 50), slice(50, 60)]
    monkeypatch.setattr(newton_module, "sample_batches", lambda n_samples: batches)
    for batch_bytes in (0, 2**24):
        values = newton_module._values(network, objective, batch_bytes)
        for _ in range(2):
            product = newton_module._times(values, network, objective, keep, v)
            assert_allclose(product, exact, rtol=1e-12, atol=1e-15)


def test_conjugate_gradients_solve_the_damped_system(pruned):
    network, objective, free = pruned
    (keep,) = np.nonzero(free)
    measured = measured_of(objective, network)
    H = gauss_newton(measured, keep)
    H += np.diag(np.where(keep < network.layout.n_coefs, objective.penalty, 0))
    g = loss_and_gradient(network, objective)[1][keep]
    for invert in (lambda v: v, partial(np.matmul, np.linalg.inv(H + 0.1 * np.eye(len(H))))):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(newton_module, "CG_RTOL", 1e-12)
            d, predicted, _ = newton_module._conjugate_gradients(
                lambda v: H @ v, invert, g, 0.1, 200
            )
        exact = np.linalg.solve(H + 0.1 * np.eye(len(H)), -g)
        assert_allclose(d, exact, rtol=1e-8, atol=1e-10)
        assert predicted == pytest.approx(-(g @ exact + 0.5 * exact @ H @ exact), rel=1e-8)


@pytest.mark.parametrize("few", [0, 300])
def test_preconditioner_is_the_inverse_of_the_matrix_or_of_its_unit_blocks(
    few, pruned, monkeypatch
):
    monkeypatch.setattr(newton_module, "EXACT_SIZE", few)
    network, objective, free = pruned
    (keep,) = np.nonzero(free)
    measured = measured_of(objective, network)
    H = gauss_newton(measured, keep) + 0.1 * np.eye(keep.size)
    if not few:
        unit = np.empty(network.layout.n_parameters, int)
        for layer, index in enumerate(network.layout.index):
            unit[index] = 100 * layer + np.arange(index.shape[1])
        H[unit[keep][:, None] != unit[keep]] = 0
    invert = newton_module._preconditioner(measured, keep, np.full(keep.size, 0.1))
    v = np.random.default_rng(0).normal(size=keep.size)
    assert_allclose(invert(v), np.linalg.solve(H, v), rtol=1e-9)


@pytest.mark.parametrize("epochs", range(1, 30))
def test_never_more_passes_and_never_a_larger_loss(epochs, pruned):
    network, objective, free = pruned
    done = retrained(network, free, objective, epochs)
    assert done.epochs <= epochs
    before, after = loss(network, objective), loss(done.network, objective)
    assert after <= before
    if epochs < newton_module.LEAST_EPOCHS:
        assert_array_equal(done.network.theta, network.theta)
    if epochs >= 8:  # room for a step that is too long at first
        assert after < before
    assert_array_equal(done.network.theta[~free], 0)


def test_passes_are_counted(pruned, monkeypatch):
    network, objective, free = pruned
    calls = []

    def counted(function):
        def wrapped(*args):
            calls.append(function.__name__)
            return function(*args)

        return wrapped

    for name in ("loss_and_gradient", "_times", "_preconditioner"):
        monkeypatch.setattr(newton_module, name, counted(getattr(newton_module, name)))
    done = retrained(network, free, objective, 25)
    assert done.epochs == len(calls)
    assert {"loss_and_gradient", "_times", "_preconditioner"} == set(calls)


def test_it_converges_to_the_minimum():
    # without a hidden layer, because only then there is one minimum
    network, X, y, v = random_network("tanh", "softmax", (), n_samples=60)
    free = np.random.default_rng(1).random(network.theta.size) < 2 / 3
    network, objective = network.with_theta(network.theta * free), Objective(X, y, v, 1e-3)
    done = retrained(network, free, objective, 200)
    assert done.converged
    assert done.epochs < 200
    _, gradient = loss_and_gradient(done.network, objective)
    assert np.abs(gradient[free]).max() <= 1e-7
    oracle = lbfgs(network, free, objective, epochs=5000, tol=1e-7)
    assert loss(done.network, objective) <= loss(oracle.network, objective) * (1 + 1e-9)


def test_undamped_unit_blocks_at_98_percent_do_not_diverge(monkeypatch):
    # a block-diagonal step overshoots by the largest eigenvalue of blocks^-1 H, 3 and more here
    monkeypatch.setattr(newton_module, "EXACT_SIZE", 0)
    monkeypatch.setattr(newton_module, "LEAST_LAMBDA", 0)
    rng = np.random.default_rng(0)
    network, X, y, v = random_network("relu", "softmax", (30,), n_samples=200, n_inputs=40)
    objective = Objective(X + 1, y, v, 1e-6)
    mask = rng.random(network.layout.n_parameters) < 0.02
    mask[network.layout.n_coefs :] = True
    for scale in (1, 10):  # far from the minimum as well
        start = network.with_theta(network.theta * mask * scale)
        before = loss(start, objective)
        done = retrained(start, mask, objective, 60, damping=1e-9)
        assert np.isfinite(done.network.theta).all()
        assert loss(done.network, objective) < before


def test_steps_that_do_not_lower_the_loss_are_not_taken(pruned, monkeypatch):
    network, objective, free = pruned
    monkeypatch.setattr(
        newton_module, "_conjugate_gradients", lambda times, invert, g, *args: (g, 1.0, 1)
    )
    done = retrained(network, free, objective, 500)  # uphill
    assert_array_equal(done.network.theta, network.theta)
    assert done.converged  # as far as it can tell
    assert done.epochs < 500
