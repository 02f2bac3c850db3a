"""Weights that are put on a grid: the textbook loop with a constant, and its closed form."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import constrained_minimum, spd

from sklearn_obs.curvature import FullInverse, LowRankInverse, inverted
from sklearn_obs.elimination import PANEL, Grid, eliminate, eliminate_blocks
from sklearn_obs.elimination.greedy import CANDIDATES


def nearest(value, scale, most):
    """The multiple of the scale nearest to one number."""
    return scale * max(-most, min(most, round(value / scale)))  # of two, Python takes the even one


def textbook(weights, hessian, scale, most, n, eligible=None):
    """Hassibi and Stork's loop with constants other than zero: order, saliencies, weights."""
    w, C = np.array(weights), np.linalg.inv(hessian)
    candidates = list(range(w.size)) if eligible is None else list(np.flatnonzero(eligible))
    order, saliencies, fixed = [], [], {}
    for _ in range(n):
        e = {q: w[q] - nearest(w[q], scale[q], most) for q in candidates}
        saliency = [e[q] ** 2 / (2 * C[q, q]) for q in candidates]
        q = candidates.pop(int(np.argmin(saliency)))
        order.append(q)
        saliencies.append(min(saliency))
        fixed[q] = w[q] - e[q]
        w = w - e[q] / C[q, q] * C[:, q]
        C = C - np.outer(C[:, q], C[q]) / C[q, q]
        for q, value in fixed.items():
            w[q] = value
            C[q] = C[:, q] = 0
    return np.array(order), np.array(saliencies), w


def case(n, seed=0):
    rng = np.random.default_rng(seed)
    return spd(rng, n, 100), rng.standard_normal(n), rng.uniform(0.2, 0.8, n)


@pytest.mark.parametrize("most", [127, 7, 3, 1])
@pytest.mark.parametrize("n", [12, 2 * PANEL + 9, CANDIDATES + 60])
def test_the_loop_is_the_textbook_s(n, most):
    H, w, scale = case(n)
    eligible = np.ones(n, bool)
    eligible[::5] = False  # they are adjusted alone, as intercepts are
    n_put = np.count_nonzero(eligible)
    order, saliency, weights = textbook(w, H, scale, most, n_put, eligible)
    path = eliminate(w, FullInverse(H), n_put, eligible=eligible, grid=Grid(scale, most))
    assert_array_equal(path.order, order)
    assert_allclose(path.saliency, saliency, rtol=1e-7, atol=1e-12)
    assert_allclose(path.weights, weights, rtol=1e-9, atol=1e-9)
    # exactly on the grid, and the rest at the constrained minimum
    multiples = np.rint(path.weights[order] / scale[order])
    assert_array_equal(path.weights[order], scale[order] * multiples)
    assert np.abs(multiples).max() <= most
    shift = np.zeros(n)
    shift[order] = path.weights[order]
    new, _ = constrained_minimum(w - shift, H, list(order))
    assert_allclose(path.weights, new + shift, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("most", [7, 1])
@pytest.mark.parametrize("sizes", [(40, 30), (6,) * 20, (300, 5)])
def test_blocks_are_put_on_the_grid_as_the_whole_is(sizes, most):
    n = sum(sizes)
    rng = np.random.default_rng(1)
    _, w, scale = case(n)
    H, shuffled, blocks, start = np.zeros((n, n)), rng.permutation(n), [], 0
    for size in sizes:
        index = np.sort(shuffled[start : start + size])
        start += size
        H[np.ix_(index, index)] = spd(rng, size, 50)
        blocks.append(inverted(index, FullInverse(H[np.ix_(index, index)])))
    order, saliency, weights = textbook(w, H, scale, most, n)
    path = eliminate_blocks(w, blocks, n, grid=Grid(scale, most))
    assert_allclose(np.sort(path.saliency), np.sort(saliency), rtol=1e-7, atol=1e-12)
    assert_allclose(path.weights, weights, rtol=1e-9, atol=1e-9)
    assert_array_equal(path.order, order)
    # half of the way, where a path is cut
    half = eliminate_blocks(w, blocks, n // 2, grid=Grid(scale, most))
    expected = textbook(w, H, scale, most, n // 2)
    assert_array_equal(half.order, expected[0])
    assert_allclose(half.weights, expected[2], rtol=1e-8, atol=1e-9)


def test_low_rank_and_stops():
    rng = np.random.default_rng(2)
    G, ridge = rng.standard_normal((30, 8)), np.full(30, 0.5)
    H = G @ G.T + np.diag(ridge)
    w, grid = rng.standard_normal(30), Grid(np.full(30, 0.4), 3)
    whole = eliminate(w, FullInverse(H), 30, grid=grid, stops=(5, 17))
    path = eliminate(w, LowRankInverse(G.copy(), ridge), 30, grid=grid, stops=(5, 17))
    assert_array_equal(path.order, whole.order)
    assert_allclose(path.weights, whole.weights, atol=1e-10)
    for stop, earlier in zip((5, 17), whole.earlier, strict=True):
        expected = textbook(w, H, grid.scale, 3, stop)
        assert_allclose(earlier.weights, expected[2], atol=1e-9)


def test_without_a_grid_the_constant_is_0():
    H, w, scale = case(40)
    none = eliminate(w, FullInverse(H), 25)
    zero = eliminate(w, FullInverse(H), 25, grid=Grid(scale, 0))  # 0 is all that there is
    assert_array_equal(none.order, zero.order)
    assert_array_equal(none.weights, zero.weights)
