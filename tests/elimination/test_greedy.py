import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracles import constrained_minimum, spd, textbook

from sklearn_obs.curvature import FullInverse

# private: how often a panel is cut cannot be seen from outside
from sklearn_obs.elimination import all_at_once, eliminate, greedy

# cond(H) = 1e3 loses 3 digits of 16, a path of some hundred corrections another 2
RTOL = 1e-9


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 400])
@pytest.mark.parametrize("share", [0.3, 0.95, 1.0])
def test_textbook_loop(n, share):
    rng = np.random.default_rng(n)
    w, H = rng.standard_normal(n), spd(rng, n)
    n_remove = int(np.ceil(share * n))
    path = eliminate(w, FullInverse(H), n_remove)
    order, saliency, weights = textbook(w, np.linalg.inv(H), n_remove)
    assert_array_equal(path.order, order)
    assert_allclose(path.saliency, saliency, rtol=1e-8)  # squares, so half the digits of RTOL
    assert_allclose(path.weights, weights, rtol=0, atol=RTOL * np.abs(w).max())
    assert np.count_nonzero(path.weights) == n - n_remove


def test_candidates_that_are_overtaken(monkeypatch):
    # so few candidates that outsiders must cut panels short
    monkeypatch.setattr(greedy, "CANDIDATES", 10)
    rng = np.random.default_rng(0)
    w, H = rng.standard_normal(200), spd(rng, 200, condition=1e5)
    cuts = []
    original = greedy._first_intrusion
    monkeypatch.setattr(
        greedy, "_first_intrusion", lambda *a: cuts.append(original(*a)) or cuts[-1]
    )
    path = eliminate(w, FullInverse(H), 190)
    assert_array_equal(path.order, textbook(w, np.linalg.inv(H), 190)[0])
    assert min(cuts) < 10


def test_ties_go_to_the_lowest_index():
    path = eliminate(np.ones(300), FullInverse(np.eye(300)), 290)
    assert_array_equal(path.order, np.arange(290))
    w = np.tile([2.0, 1.0], 400)  # 800 weights, more than one set of candidates
    path = eliminate(w, FullInverse(np.eye(800)), 500)
    assert_array_equal(path.order, np.r_[1:800:2, 0:200:2])


def test_closed_form_and_constrained_minimum():
    rng = np.random.default_rng(1)
    w, H = rng.standard_normal(90), spd(rng, 90)
    path = eliminate(w, FullInverse(H), 80)
    for n_removed in (1, 17, 64, 80):
        removed = path.order[:n_removed]
        weights, minimum = constrained_minimum(w, H, removed)
        assert_allclose(
            all_at_once(w, FullInverse(H).columns(removed), removed), weights, atol=RTOL
        )
        assert_allclose(path.saliency[:n_removed].sum(), minimum, rtol=1e-8)
    assert_allclose(path.weights, weights, atol=RTOL)


def test_barred_weights_adjust_but_stay():
    rng = np.random.default_rng(2)
    w, H = rng.standard_normal(600), spd(rng, 600)
    eligible = rng.random(600) < 0.8
    n_remove = eligible.sum() - 5
    path = eliminate(w, FullInverse(H), n_remove, eligible=eligible)
    order, _, weights = textbook(w, np.linalg.inv(H), n_remove, eligible)
    assert_array_equal(path.order, order)
    assert_allclose(path.weights, weights, atol=RTOL * np.abs(w).max())
    assert eligible[path.order].all()
    assert np.all(path.weights[~eligible] != w[~eligible])


def test_ghosts_against_reinversion():
    rng = np.random.default_rng(3)
    for _ in range(100):
        n = 30
        w, H = rng.standard_normal(n), spd(rng, n)
        # when 7 goes, 3, 11 and 12 no longer touch the output
        freed = {7: [3, 11, 12]}
        gone = []

        def watch(q, freed=freed, gone=gone):
            gone.append(q)
            return [i for i in freed.get(q, []) if i not in gone]

        path = eliminate(w, FullInverse(H), 25, freed=watch)
        living, weights = list(range(n)), w.copy()
        for q, saliency in zip(path.order, path.saliency, strict=True):
            C = np.linalg.inv(H[np.ix_(living, living)])
            saliencies = weights[living] ** 2 / (2 * np.diag(C))
            at = int(np.argmin(saliencies))
            assert living[at] == q
            assert_allclose(saliencies[at], saliency, rtol=1e-7, atol=1e-14)
            weights[living] -= weights[q] / C[at, at] * C[:, at]
            weights[q] = 0
            living.remove(q)
            if q == 7:
                weights[[i for i in freed[7] if i in living]] = 0
        assert_allclose(path.weights, weights, atol=RTOL)


def test_the_value_given_is_not_destroyed():
    rng = np.random.default_rng(4)
    w, H = rng.standard_normal(200), spd(rng, 200)
    kept = H.copy()
    C = FullInverse(H)
    first = eliminate(w, C, 150)
    assert_array_equal(H, kept)
    second = eliminate(w, C, 150)
    assert_array_equal(first.weights, second.weights)
    assert_array_equal(C.columns(np.arange(200)), FullInverse(H).columns(np.arange(200)))
    third = eliminate(w, C, 150, overwrite=True)
    assert_array_equal(first.order, third.order)


def test_float32_stays_float32():
    rng = np.random.default_rng(5)
    w, H = rng.standard_normal(100), spd(rng, 100, condition=10)
    path = eliminate(w, FullInverse(H.astype(np.float32)), 50)
    assert path.weights.dtype == np.float32
    exact = eliminate(w, FullInverse(H), 50)
    # eps = 1e-7, 50 corrections, cond 10
    assert_allclose(path.weights, exact.weights, atol=1e-4)


def test_wrong_arguments_name_what_was_expected():
    C = FullInverse(np.eye(3))
    with pytest.raises(ValueError, match=r"Got n_remove=4, but expected 0 <= n_remove <= 3"):
        eliminate(np.ones(3), C, 4)
    with pytest.raises(ValueError, match=r"n_remove <= 1"):
        eliminate(np.ones(3), C, 2, eligible=[True, False, False])
    with pytest.raises(ValueError, match=r"weights of shape \(2,\).*expected \(3,\)"):
        eliminate(np.ones(2), C, 1)


def test_nothing_to_remove():
    path = eliminate(np.ones(3), FullInverse(np.eye(3)), 0)
    assert path.order.size == 0
    assert_array_equal(path.weights, np.ones(3))


class _Negative:
    """An inverse Hessian that is none."""

    size = 2

    def diagonal(self):
        return np.array([1.0, -1.0])

    def columns(self, indices, rows=None):
        return np.diag(self.diagonal())[np.ix_(np.arange(2) if rows is None else rows, indices)]


def test_lost_definiteness_is_an_error():
    with pytest.raises(np.linalg.LinAlgError, match="positive definiteness"):
        eliminate(np.ones(2), _Negative(), 1)


@pytest.mark.parametrize("scale", [1e-200, 1e-40, 1e-30, 1e30, 1e100])
def test_the_order_does_not_depend_on_the_scale_of_the_hessian(scale):
    """Nor on the size of the rounding errors of what has been removed, which grow with C."""
    rng = np.random.default_rng(0)
    w, H = rng.standard_normal(40), spd(rng, 40)
    one, other = eliminate(w, FullInverse(H), 39), eliminate(w, FullInverse(H * scale), 39)
    assert_array_equal(other.order, one.order)
    assert_allclose(other.saliency, one.saliency * scale, rtol=1e-9)  # cond 1e3 of 1e-16, 39 steps
    assert_allclose(other.weights, one.weights, rtol=0, atol=1e-9)
