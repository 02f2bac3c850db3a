"""Swaps against the model's own minima, one `solve` a subset."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import spd

from sklearn_obs.elimination.swaps import SwapModel

N = 9


def model_minimum(hessian, slope, alive):
    """min over w with w = 0 where not alive of slope'w + 1/2 w'Hw: the weights and the value."""
    w = np.zeros(len(slope))
    w[alive] = np.linalg.solve(hessian[np.ix_(alive, alive)], -slope[alive])
    return w, slope @ w + 0.5 * w @ hessian @ w


@pytest.fixture(params=range(5))
def quadratic(request):
    """H, the model's slope at 0, who is alive, and the model there."""
    rng = np.random.default_rng(request.param)
    H, slope = spd(rng, N, condition=100), rng.normal(size=N)
    alive = rng.permutation(np.arange(N) < 5)
    weights, value = model_minimum(H, slope, alive)
    model = SwapModel(weights, slope + H @ weights, H, alive)
    return H, slope, alive, value, model


def swapped(alive, out, back):
    alive = alive.copy()
    alive[out], alive[back] = False, True
    return alive


def test_costs_gains_and_changes_are_those_of_minima(quadratic):
    H, slope, alive, value, model = quadratic
    A, B = np.flatnonzero(alive), np.flatnonzero(~alive)
    costs, gains = model.costs(), model.gains()
    assert np.isnan(costs[B]).all()
    assert np.isnan(gains[A]).all()
    for a in A:
        without = np.where(np.arange(N) == a, False, alive)
        assert costs[a] == pytest.approx(model_minimum(H, slope, without)[1] - value, rel=1e-10)
    for b in B:
        with_b = np.where(np.arange(N) == b, True, alive)
        assert gains[b] == pytest.approx(value - model_minimum(H, slope, with_b)[1], rel=1e-10)
    changes = [[model_minimum(H, slope, swapped(alive, a, b))[1] - value for b in B] for a in A]
    assert_allclose(model.changes(), changes, rtol=1e-10, atol=1e-10)


def test_path_takes_the_best_swap_every_time(quadratic):
    H, slope, alive, value, model = quadratic
    eligible = np.arange(N) != np.flatnonzero(alive)[0]  # one remaining weight is barred
    path = model.path(10, eligible=eligible, least=1e-6)
    assert path.out.size > 0
    for out, back, change, weights in zip(
        path.out, path.back, path.change, path.weights, strict=True
    ):
        A, B = np.flatnonzero(alive & eligible), np.flatnonzero(~alive)
        pairs = {
            (a, b): model_minimum(H, slope, swapped(alive, a, b))[1] - value
            for a, b in itertools.product(A, B)
        }
        assert min(pairs, key=pairs.get) == (out, back)
        assert change == pytest.approx(pairs[out, back], rel=1e-9)
        alive, value = swapped(alive, out, back), value + pairs[out, back]
        assert_allclose(weights, model_minimum(H, slope, alive)[0], rtol=1e-9, atol=1e-9)
        assert_array_equal(weights[~alive], 0)
    A, B = np.flatnonzero(alive & eligible), np.flatnonzero(~alive)
    left = [model_minimum(H, slope, swapped(alive, a, b))[1] - value for a in A for b in B]
    assert min(left) > -1e-6  # it ends where no swap pays


def test_the_state_after_swaps_is_that_of_a_fresh_model(quadratic):
    H, slope, alive, _, model = quadratic
    path = model.path(3, eligible=np.ones(N, bool), least=1e-12)
    for out, back in zip(path.out, path.back, strict=True):
        alive = swapped(alive, out, back)
    weights, _ = model_minimum(H, slope, alive)
    fresh = SwapModel(weights, slope + H @ weights, H, alive)
    assert_allclose(model.costs(), fresh.costs(), rtol=1e-9)
    assert_allclose(model.gains(), fresh.gains(), rtol=1e-9, atol=1e-12)
    assert_allclose(
        np.sort(model.changes(), axis=None),
        np.sort(fresh.changes(), axis=None),
        rtol=1e-8,
        atol=1e-10,
    )


def test_a_path_has_no_more_swaps_than_asked_for(quadratic):
    *_, model = quadratic
    assert model.path(1, eligible=np.ones(N, bool), least=1e-12).out.size <= 1
