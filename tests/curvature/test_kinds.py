"""Every kind of curvature equals its definition on nets of at most 60 weights."""

from dataclasses import replace

import numpy as np
import pytest
from networks import random_network
from numpy.testing import assert_allclose, assert_array_equal
from oracles import jacobian, spd

from sklearn_obs.curvature import (
    FACTORED,
    STRUCTURES,
    Measurement,
    exact_hessian,
    factor_diagonal,
    gauss_newton,
    targets,
)
from sklearn_obs.curvature.inverse.full import full_inverse, inverse_of
from sklearn_obs.network import Objective, loss_and_gradient

NETS = [
    (a, o, h)
    for a in ("identity", "logistic", "tanh", "relu")
    for o in ("softmax", "logistic", "identity", "exp")
    for h in ((), (4,), (3, 3))
]
# truncation h^2 = 1e-10, rounding eps / h = 1e-11, in sums of products of order 1
SAME = {"rtol": 1e-6, "atol": 1e-8}


def gradient(network, X, y, v):
    return loss_and_gradient(network, Objective(X, y, v, 0.0))[1]


def by_rows(network, X, y, shares):
    """sum_t v_t g_t g_t' with g_t the gradient of one row's loss."""
    total = 0
    for t, v in enumerate(shares):
        g = gradient(network, X[t : t + 1], y[t : t + 1], np.ones(1))
        total = total + v * np.outer(g, g)
    return total


@pytest.mark.parametrize("activation, out, hidden", NETS)
def test_hessian_is_the_derivative_of_the_gradient(activation, out, hidden):
    network, X, y, v = random_network(activation, out, hidden, n_inputs=5)
    assert network.layout.n_parameters <= 60
    exact = jacobian(
        lambda theta: gradient(network.with_theta(theta), X, y, v), network.theta, 1e-5
    )
    here = Measurement(network, X, y, v, "hessian")
    everything = np.arange(network.layout.n_parameters)
    assert_allclose(exact_hessian(here, everything), exact, **SAME)
    assert_allclose(exact_hessian(replace(here, batch_bytes=1), everything), exact, **SAME)
    keep = np.sort(np.random.default_rng(0).permutation(everything)[: everything.size // 2])
    assert_allclose(exact_hessian(here, keep), exact[np.ix_(keep, keep)], **SAME)


@pytest.mark.parametrize("activation, out, hidden", NETS)
@pytest.mark.parametrize("kind", ["fisher", "empirical_fisher"])
def test_fishers_are_sums_of_gradients_squared(kind, activation, out, hidden):
    network, X, y, v = random_network(activation, out, hidden, n_inputs=5)
    drawn = targets(kind, network, X, y, np.random.default_rng(3))
    assert (drawn is y) == (kind == "empirical_fisher")
    here = Measurement(network, X, drawn, v, kind)
    exact = by_rows(network, X, drawn, v)
    everything = np.arange(network.layout.n_parameters)
    assert_allclose(gauss_newton(here, everything), exact, rtol=1e-10, atol=1e-14)  # reordered
    assert_allclose(factor_diagonal(here), np.diag(exact), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("out", ["softmax", "logistic", "identity", "exp"])
def test_the_mean_fisher_over_draws_is_gauss_newton(out):
    network, X, y, v = random_network("tanh", out, (3,), n_inputs=3)
    rng, n_draws = np.random.default_rng(0), 4000
    everything = np.arange(network.layout.n_parameters)
    draws = np.array(
        [
            gauss_newton(
                Measurement(network, X, targets("fisher", network, X, y, rng), v, "fisher"),
                everything,
            )
            for _ in range(n_draws)
        ]
    )
    exact = gauss_newton(Measurement(network, X, y, v, "ggn"), everything)
    error = draws.std(axis=0) / np.sqrt(n_draws)
    # normal deviates: of some 600 entries none is beyond 5 standard errors but by one in 3,000 runs
    assert (np.abs(draws.mean(axis=0) - exact) <= 5 * error + 1e-12).all()
    assert error.max() < 0.05 * np.abs(exact).max()  # and that says something


def test_drawn_labels_follow_the_seed_and_are_labels():
    network, X, y, _ = random_network("tanh", "softmax", (3,))
    a, b, c = (targets("fisher", network, X, y, np.random.default_rng(s)) for s in (1, 1, 2))
    assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert_array_equal(np.sort(a, axis=1), np.tile([0, 0, 1], (len(X), 1)))


def test_gauss_newton_is_the_hessian_where_the_network_is_linear():
    network, X, y, v = random_network("tanh", "softmax", ())
    here = Measurement(network, X, y, v, "ggn")
    everything = np.arange(network.layout.n_parameters)
    exact = exact_hessian(replace(here, kind="hessian"), everything)
    assert_allclose(gauss_newton(here, everything), exact, rtol=1e-10, atol=1e-15)


def test_an_indefinite_hessian_keeps_the_size_of_its_curvature():
    network, X, y, v = random_network("tanh", "identity", (4,), n_inputs=3)
    here = Measurement(network, X, 5 * y, v, "hessian")  # large residuals
    keep, ridge = np.arange(network.layout.n_parameters), np.full(network.layout.n_parameters, 1e-3)
    H = exact_hessian(here, keep)
    values, Q = np.linalg.eigh(H)
    assert values.min() < -0.1
    exact = np.linalg.inv((Q * np.abs(values)) @ Q.T + np.diag(ridge))
    C = full_inverse(here, keep, ridge)
    assert_allclose(C.columns(keep), exact, atol=1e-8 * np.abs(exact).max())  # condition 1e4
    # and where it is positive definite, it is inverted as it is
    C = full_inverse(here, keep, ridge + 10)
    assert_allclose(C.columns(keep), np.linalg.inv(H + np.diag(ridge + 10)), atol=1e-12)


@pytest.mark.parametrize("kind", FACTORED)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_every_valid_pair_inverts_its_part_of_the_matrix(structure, kind):
    network, X, y, v = random_network("tanh", "softmax", (4,), n_inputs=5, n_samples=9)
    here = Measurement(network, X, y, v, kind)
    keep = np.arange(network.layout.n_parameters)
    ridge = 0.1 + np.random.default_rng(0).random(keep.size)
    H, (flat_1, flat_2) = gauss_newton(here, keep), network.layout.index
    if structure == "kronecker":
        H = kronecker_by_hand(network, here)
    block = np.zeros(keep.size)
    if structure in ("unit", "layer", "kronecker"):
        block[flat_2] = 100
    if structure == "unit":
        block[flat_1] += np.arange(flat_1.shape[1])
        block[flat_2] += np.arange(flat_2.shape[1])
    H = np.where(block[:, None] == block, H, 0) + np.diag(ridge)
    C = STRUCTURES[structure].invert(here, keep, ridge)
    # condition below 1e3, CG's residual 1e-12
    assert_allclose(C.columns(keep), np.linalg.inv(H), atol=1e-9)


def kronecker_by_hand(network, measurement):
    """E[aa'] x E[gg'] for each layer, row by row."""
    H = np.zeros((network.layout.n_parameters,) * 2)
    X, y, shares = measurement.X, measurement.y, measurement.shares
    h = np.tanh(X @ network.coefs[0] + network.intercepts[0])
    z = h @ network.coefs[1] + network.intercepts[1]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    A, B = [0, 0], [0, 0]
    for t, v in enumerate(shares):
        if measurement.kind == "ggn":
            top = np.diag(p[t]) - np.outer(p[t], p[t])
        else:
            top = np.outer(p[t] - y[t], p[t] - y[t])
        back = np.diag(1 - h[t] ** 2) @ network.coefs[1]
        for layer, (a, G) in enumerate([(X[t], back @ top @ back.T), (h[t], top)]):
            a = np.append(a, 1)
            A[layer], B[layer] = A[layer] + v * np.outer(a, a), B[layer] + v * G
    for layer, index in enumerate(network.layout.index):
        H[np.ix_(index.ravel(), index.ravel())] = np.kron(A[layer], B[layer])
    return H


def test_low_rank_with_all_rows_is_full():
    # as many rows as weights and more: held in full at once
    network, X, y, v = random_network("tanh", "softmax", (4,), n_samples=60)
    here = Measurement(network, X, y, v, "fisher")
    keep = np.arange(network.layout.n_parameters)
    ridge = np.full(keep.size, 0.1)
    for rows in (60, 20):
        some = replace(here.subset(slice(rows)), shares=v[:rows])
        low, full = (STRUCTURES[s].invert(some, keep, ridge) for s in ("low_rank", "full"))
        assert (type(low) is type(full)) == (rows == 60)
        assert_allclose(low.columns(keep), full.columns(keep), atol=1e-10)  # condition 1e2


def test_kronecker_is_full_where_inputs_and_outputs_are_independent():
    # squared error of one linear layer: the signals are constant
    network, X, y, v = random_network("identity", "identity", ())
    here, keep = Measurement(network, X, y, v, "ggn"), np.arange(network.layout.n_parameters)
    ridge = 0.1 + np.random.default_rng(0).random(keep.size)
    product, full = (STRUCTURES[s].invert(here, keep, ridge) for s in ("kronecker", "full"))
    assert_allclose(product.columns(keep), full.columns(keep), atol=1e-10)  # condition 1e2


def test_single_precision_is_taken_only_where_it_is_exact_enough():
    H, asked = spd(np.random.default_rng(0), 30, 1e3), []

    def matrix(dtype):
        asked.append(np.dtype(dtype))
        return H.astype(dtype)

    C = inverse_of(matrix, np.zeros(30), np.dtype(np.float32))
    assert asked == [np.float32]
    assert C.columns([0]).dtype == np.float64
    H = spd(np.random.default_rng(0), 30, 1e7)
    asked.clear()
    C = inverse_of(matrix, np.zeros(30), np.dtype(np.float32))
    assert asked == [np.float32, np.float64]
    assert_allclose(C.columns([0])[:, 0], np.linalg.inv(H)[:, 0], rtol=1e-6)  # condition 1e7
