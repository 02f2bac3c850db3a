"""Many small blocks in one loop, beside the textbook's loop on each of them."""

import numpy as np
import pytest
from networks import random_network
from numpy.testing import assert_allclose, assert_array_equal
from oracles import spd, textbook
from scipy.linalg import LinAlgError

from sklearn_obs.curvature import STRUCTURES, FullInverse, Measurement, gauss_newton

# private: that blocks go through the stack at all
from sklearn_obs.elimination import InverseHessian, blocks, eliminate_blocks
from sklearn_obs.elimination.stacked import eliminate_stacked


def test_each_block_is_removed_as_by_itself():
    rng = np.random.default_rng(0)
    for _ in range(50):
        sizes = rng.integers(1, 30, size=9)
        H = [spd(rng, n, condition=100) for n in sizes]
        w = [rng.standard_normal(n) for n in sizes]
        eligible = [rng.random(n) < 0.8 for n in sizes]
        n_remove = [int(rng.integers(0, e.sum() + 1)) for e in eligible]
        found = eliminate_stacked(w, [FullInverse(h) for h in H], n_remove, eligible=eligible)
        for b, (path, columns) in enumerate(found):
            C = np.linalg.inv(H[b])
            order, saliency, weights = textbook(w[b], C, n_remove[b], eligible[b])
            order = np.asarray(order, np.intp)
            assert_array_equal(path.order, order)
            assert_allclose(path.saliency, saliency, rtol=1e-9)  # condition 100, 30 weights
            assert_allclose(path.weights, weights, atol=1e-11)
            assert (path.weights[order] == 0).all()
            assert_allclose(columns, C[:, order], rtol=1e-9, atol=1e-11)


def test_ties_go_to_the_lowest_index():
    inverses = [FullInverse(np.eye(n)) for n in (3, 5)]
    found = eliminate_stacked(
        [np.ones(3), -np.ones(5)], inverses, [3, 4], eligible=[np.ones(3, bool), np.ones(5, bool)]
    )
    assert [path.order.tolist() for path, _ in found] == [[0, 1, 2], [0, 1, 2, 3]]


def test_an_inverse_that_is_not_positive_definite_is_refused():
    class Wrong(InverseHessian):
        def diagonal(self):
            return -np.ones(2)

        def columns(self, indices, rows=None):
            return -np.eye(2)

    with pytest.raises(LinAlgError, match="lost positive definiteness"):
        eliminate_stacked([np.ones(2)], [Wrong()], [1], eligible=[np.ones(2, bool)])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_unit_blocks_are_stacked_and_removed_as_the_block_matrix_is(n_jobs, monkeypatch):
    monkeypatch.setattr(blocks, "SMALL_WORK", 0)
    network, X, y, v = random_network("tanh", "softmax", (12, 9), n_samples=200)
    measurement = Measurement(network, X, y, v, "ggn")
    rng = np.random.default_rng(1)
    keep = np.sort(rng.permutation(network.layout.n_parameters)[:180])
    ridge = np.full(keep.size, 1e-2)
    inverse = STRUCTURES["unit"].invert(measurement, keep, ridge)
    w, stacks = network.theta[keep], []
    if n_jobs == 1:
        original = blocks.eliminate_stacked
        monkeypatch.setattr(
            blocks,
            "eliminate_stacked",
            lambda *a, **k: stacks.append(len(a[0])) or original(*a, **k),
        )
    path = eliminate_blocks(w, inverse.blocks(), 120, n_jobs=n_jobs)
    if n_jobs == 1:
        assert stacks == [12, 9, 3]  # those of a layer, which share its inputs
    # the slow and obvious way
    H = gauss_newton(measurement, keep) + np.diag(ridge)
    block = np.zeros_like(H)
    for unit in inverse.blocks():
        block[np.ix_(unit.index, unit.index)] = H[np.ix_(unit.index, unit.index)]
    order, saliency, weights = textbook(w, np.linalg.inv(block), 120)
    assert_array_equal(path.order, order)
    assert_allclose(path.saliency, saliency, rtol=1e-7)  # ridge 1e-2 of curvatures up to 1
    assert_allclose(path.weights, weights, atol=1e-9)
