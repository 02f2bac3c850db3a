import numpy as np
import pytest
from networks import random_network
from numpy.testing import assert_allclose, assert_array_equal
from oracles import brute_force_outputs

from sklearn_obs.network import forward
from sklearn_obs.network.compaction import (
    Orphans,
    dead_weights,
    fold_constants,
    inputs_read,
    remaining_units,
)


def random_mask(network, rng, share):
    mask = rng.random(network.theta.size) < share
    mask[network.layout.n_coefs :] = True
    return mask


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu", "identity"])
def test_folding_keeps_the_function(activation):
    rng = np.random.default_rng(0)
    n_folded = 0
    for seed in range(60):
        network, X, *_ = random_network(activation, "softmax", (4, 4, 3), seed=seed)
        mask = random_mask(network, rng, 0.35)
        network = network.with_theta(network.theta * mask)
        folded = fold_constants(network, mask)
        assert_allclose(forward(folded, X)[-1], forward(network, X)[-1], atol=1e-14)
        assert_array_equal(folded.theta[dead_weights(network.layout, mask)], 0)
        n_folded += np.any(folded.intercepts[-1] != network.intercepts[-1])
    assert n_folded > 10


def test_removed_intercepts_are_not_folded_into():
    rng = np.random.default_rng(1)
    for seed in range(60):
        network, X, *_ = random_network("logistic", "identity", (4, 3), seed=seed)
        mask = rng.random(network.theta.size) < 0.4
        network = network.with_theta(network.theta * mask)
        folded = fold_constants(network, mask)
        assert_allclose(forward(folded, X)[-1], forward(network, X)[-1], atol=1e-14)
        assert_array_equal(folded.theta[~mask], 0)


def test_ghosts_are_the_weights_on_no_path():
    rng = np.random.default_rng(2)
    for seed in range(40):
        network, *_ = random_network("tanh", "softmax", (4, 3), seed=seed)
        mask = random_mask(network, rng, 0.4)
        alive = brute_force_outputs(network, mask)
        ghost_coefs, _ = network.layout.split(dead_weights(network.layout, mask))
        coefs, _ = network.layout.split(mask)
        for layer, W in enumerate(coefs):
            for i, j in np.argwhere(W):
                reaches_output = (layer, i, j) in alive
                hears_input = layer == 0 or _hears(coefs, layer, i)
                assert ghost_coefs[layer][i, j] == (not (reaches_output and hears_input))


def _hears(coefs, layer, unit):
    if layer == 0:
        return True
    return any(_hears(coefs, layer - 1, i) for i in np.flatnonzero(coefs[layer - 1][:, unit]))


@pytest.mark.parametrize("activation", ["logistic", "tanh", "identity"])
def test_weights_that_are_not_dead_have_an_effect(activation):
    """Also where intercepts have been removed: each is tried.

    (Not relu, where a weight may have no effect because its unit is 0 for all samples.)
    """
    rng, n_silent = np.random.default_rng(3), 0
    for seed in range(60):
        network, X, *_ = random_network(activation, "identity", (3, 3), seed=seed)
        mask = rng.random(network.theta.size) < 0.4
        folded = fold_constants(network.with_theta(network.theta * mask), mask)
        before = forward(folded, X)[-1]
        assert_allclose(before, forward(network.with_theta(network.theta * mask), X)[-1])
        for q in np.flatnonzero(mask & ~dead_weights(network.layout, mask)):
            theta = folded.theta.copy()
            theta[q] += 1
            assert np.abs(forward(folded.with_theta(theta), X)[-1] - before).max() > 1e-9
        rows = network.layout.index[0]
        silent = ~mask[rows].any(axis=0) & mask[network.layout.index[1][:-1]].any(axis=1)
        n_silent += silent.sum()
    assert n_silent  # units without inputs and intercept


def test_orphans_are_what_the_last_outgoing_weight_leaves():
    network, *_ = random_network("tanh", "softmax", (3,), n_inputs=2, n_outputs=2)
    mask = np.ones(network.theta.size, bool)
    mask[network.layout.index[0][0, 1]] = False  # input 0 -> unit 1 is gone already
    orphans = Orphans(network.layout, mask)
    assert len(orphans(network.layout.index[1][1, 0])) == 0
    left = orphans(network.layout.index[1][1, 1])  # unit 1 has no output now
    assert_array_equal(left, [network.layout.index[0][1, 1], network.layout.index[0][2, 1]])
    assert len(orphans(network.layout.index[1][-1, 0])) == 0  # an intercept feeds nobody else


def test_inputs_and_units():
    network, *_ = random_network("tanh", "softmax", (3,), n_inputs=4)
    mask = np.ones(network.theta.size, bool)
    mask[network.layout.index[0][2]] = False  # nobody reads input 2
    mask[network.layout.index[1][1]] = False  # nobody hears unit 1
    mask[network.layout.index[0][[0, 3]][:, [0, 2]]] = (
        False  # inputs 0 and 3 are read by unit 1 alone
    )
    assert_array_equal(inputs_read(network.layout, mask), [1])
    assert_array_equal(remaining_units(network.layout, mask)[0], [0, 2])
