"""Imitation: at the network that is imitated the gradient is 0 and Gauss-Newton is the Hessian."""

import numpy as np
import pytest
from networks import random_network
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_obs.curvature import Measurement, exact_hessian, gauss_newton
from sklearn_obs.network import Objective, evaluate, imitating, loss, loss_and_gradient

KINDS = ["softmax", "logistic", "identity", "exp"]


def problem(out, penalty=0.0, seed=0, **sizes):
    network, X, y, v = random_network("tanh", out, (5, 4), seed=seed, **sizes)
    return network, Objective(X, y, v, penalty, labels=y)


def hessian_by_differences(network, objective, h=1e-5):
    theta, n = network.theta, network.layout.n_parameters
    H = np.empty((n, n))
    for i, e in enumerate(h * np.eye(n)):
        up = loss_and_gradient(network.with_theta(theta + e), objective)[1]
        down = loss_and_gradient(network.with_theta(theta - e), objective)[1]
        H[i] = (up - down) / (2 * h)
    return H


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("out", KINDS)
def test_at_the_dense_network_the_gradient_is_zero_and_gauss_newton_the_hessian(out, n_outputs):
    if out == "softmax" and n_outputs == 1:
        n_outputs = 2
    network, objective = problem(out, n_outputs=n_outputs)
    objective = imitating(objective, network, 1.0)
    _, gradient = loss_and_gradient(network, objective)
    assert_array_equal(gradient, 0)
    everything = np.arange(network.layout.n_parameters)
    measured = Measurement(network, objective.X, objective.y, objective.shares, "ggn")
    G = gauss_newton(measured, everything)
    # central differences: h^2 of third derivatives, and rounding over h
    assert_allclose(hessian_by_differences(network, objective), G, atol=1e-8)
    exact = Measurement(network, objective.X, objective.y, objective.shares, "hessian")
    assert_allclose(exact_hessian(exact, everything), G, atol=1e-14)


@pytest.mark.parametrize("out", KINDS)
def test_under_mixing_the_gradient_is_a_share_of_the_labels(out):
    network, objective = problem(out)
    _, of_labels = loss_and_gradient(network, objective)
    for d in (0.25, 0.75):
        _, gradient = loss_and_gradient(network, imitating(objective, network, d))
        assert_allclose(gradient, (1 - d) * of_labels, atol=1e-15)


@pytest.mark.parametrize("d", [0, 0.3, 1])
@pytest.mark.parametrize("out", KINDS)
def test_the_loss_is_the_mixture_of_the_two(out, d):
    """d l(p, p0) + (1 - d) l(p, y) at another network, the two losses taken by themselves."""
    dense, objective = problem(out, penalty=0.1)
    other, _ = problem(out, seed=1)
    mixed = imitating(objective, dense, d)
    of_outputs = loss(other, imitating(objective, dense, 1.0))
    of_labels = loss(other, objective)
    assert loss(other, mixed) == pytest.approx(d * of_outputs + (1 - d) * of_labels, rel=1e-14)
    assert loss_and_gradient(other, mixed)[0] == pytest.approx(loss(other, mixed), rel=1e-14)
    measured = evaluate(other, mixed)
    assert measured.objective == loss(other, mixed)
    squares = sum((W**2).sum() for W in other.coefs)
    assert measured.label == pytest.approx(of_labels - 0.1 / 2 * squares, rel=1e-13)


def test_without_labels_the_loss_against_them_is_not_known():
    network, objective = problem("softmax")
    unlabelled = Objective(objective.X, None, objective.shares, 0.0)
    mixed = imitating(unlabelled, network, 1)
    assert np.isnan(evaluate(network, mixed).label)
    assert_array_equal(mixed.y, imitating(objective, network, 1).y)


def test_nothing_changes_without_a_share():
    network, objective = problem("softmax")
    assert imitating(objective, network, 0) is objective
