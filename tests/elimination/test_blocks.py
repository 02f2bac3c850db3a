import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from oracles import spd, textbook

from sklearn_obs.curvature import BlockInverse, FullInverse, inverted

# private: that a path goes on after its end is seen where it happens
from sklearn_obs.elimination import blocks, eliminate_blocks


def random_blocks(rng, sizes):
    """Weights, the block-diagonal H and its pieces, indices interleaved."""
    n = sum(sizes)
    H, pieces = np.zeros((n, n)), []
    for index in np.split(rng.permutation(n), np.cumsum(sizes)[:-1]):
        i = np.sort(index)
        H[np.ix_(i, i)] = spd(rng, i.size, condition=100)
        pieces.append(inverted(i, FullInverse(H[np.ix_(i, i)])))
    return rng.standard_normal(n), H, pieces


def test_brute_force_on_the_block_diagonal_matrix():
    rng = np.random.default_rng(0)
    not_monotone = 0
    for _ in range(200):
        w, H, pieces = random_blocks(rng, rng.integers(1, 15, size=6))
        n_remove = int(rng.integers(1, w.size + 1))
        path = eliminate_blocks(w, pieces, n_remove)
        order, saliency, weights = textbook(w, np.linalg.inv(H), n_remove)
        assert_array_equal(path.order, order)
        assert_allclose(path.saliency, saliency, rtol=1e-9)  # cond 100, 15 weights
        assert_allclose(path.weights, weights, atol=1e-11)
        not_monotone += np.any(np.diff(saliency) < 0)
    assert not_monotone > 50  # the case that makes it more than a sort


def test_paths_that_are_cut_short_go_on(monkeypatch):
    # one block has all the cheap weights: its path must be continued, more than once
    rng = np.random.default_rng(1)
    w, H, pieces = random_blocks(rng, [400, 400, 400])
    w[pieces[0].index] *= 1e-3
    calls = []
    original = blocks._BlockPath.go_on
    monkeypatch.setattr(
        blocks._BlockPath, "go_on", lambda self, o: calls.append(1) or original(self, o)
    )
    path = eliminate_blocks(w, pieces, 150)
    assert_array_equal(path.order, textbook(w, np.linalg.inv(H), 150)[0])
    monkeypatch.setattr(blocks, "AHEAD", 0.1)
    calls.clear()
    path = eliminate_blocks(w, pieces, 150)
    order, _, weights = textbook(w, np.linalg.inv(H), 150)
    assert len(calls) > 3
    assert_array_equal(path.order, order)
    assert_allclose(path.weights, weights, atol=1e-11)


def test_barred_weights():
    rng = np.random.default_rng(2)
    w, H, pieces = random_blocks(rng, [5, 30, 17])
    eligible = rng.random(w.size) < 0.7
    path = eliminate_blocks(w, pieces, int(eligible.sum()), eligible=eligible)
    order, _, weights = textbook(w, np.linalg.inv(H), int(eligible.sum()), eligible)
    assert_array_equal(path.order, order)
    assert_allclose(path.weights, weights, atol=1e-11)


def test_ties_go_to_the_lowest_index():
    index = [np.array([1, 4, 5]), np.array([0, 2, 3])]
    pieces = [inverted(i, FullInverse(np.eye(3))) for i in index]
    path = eliminate_blocks(np.ones(6), pieces, 6)
    assert_array_equal(path.order, np.arange(6))


def test_dead_weights_are_next_and_move_nothing():
    rng = np.random.default_rng(3)
    for _ in range(50):
        w, H, pieces = random_blocks(rng, [10, 12, 8])
        freed = {int(pieces[1].index[3]): pieces[0].index[2:7]}  # across blocks, part of a block
        gone = set()

        def watch(q, freed=freed, gone=gone):
            gone.add(q)
            return np.array([i for i in freed.get(q, []) if i not in gone], int)

        path = eliminate_blocks(w, pieces, 25, freed=watch)
        living, weights = list(range(30)), w.copy()
        for q in path.order:
            C = np.linalg.inv(H[np.ix_(living, living)])
            at = int(np.argmin(weights[living] ** 2 / np.diag(C)))
            assert living[at] == q
            weights[living] -= weights[q] / C[at, at] * C[:, at]
            weights[q] = 0
            living.remove(q)
            weights[[i for i in freed.get(q, []) if i in living]] = 0
        assert_allclose(path.weights, weights, atol=1e-11)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_change_no_bit(backend, monkeypatch):
    monkeypatch.setattr(blocks, "SMALL_WORK", 0)
    rng = np.random.default_rng(4)
    w, _, pieces = random_blocks(rng, [150, 90, 200, 5])
    serial = eliminate_blocks(w, pieces, 400, n_jobs=1)
    with parallel_config(backend=backend):
        parallel = eliminate_blocks(w, pieces, 400, n_jobs=2)
    assert_array_equal(serial.order, parallel.order)
    assert_array_equal(serial.saliency, parallel.saliency)
    assert_array_equal(serial.weights, parallel.weights)


def test_too_many_to_remove():
    pieces = [inverted(np.arange(3), FullInverse(np.eye(3)))]
    with pytest.raises(ValueError, match=r"Got n_remove=4, but expected 0 <= n_remove <= 3"):
        eliminate_blocks(np.ones(3), pieces, 4)


def test_agrees_with_the_one_loop_on_the_block_inverse():
    from sklearn_obs.elimination import eliminate

    rng = np.random.default_rng(5)
    w, _, pieces = random_blocks(rng, [20, 30, 10])
    one_loop = eliminate(w, BlockInverse(pieces), 50)
    path = eliminate_blocks(w, pieces, 50)
    assert_array_equal(path.order, one_loop.order)
    assert_allclose(path.weights, one_loop.weights, atol=1e-12)
