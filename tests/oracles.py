"""Slow, obvious and independent: what the fast code is checked against."""

import itertools

import numpy as np
from numpy.testing import assert_allclose


def textbook(weights, inverse_hessian, n_remove, eligible=None):
    """Hassibi and Stork's loop: one `outer` a removal. Order, saliencies, weights."""
    w, C = np.array(weights), np.array(inverse_hessian)
    candidates = list(range(w.size)) if eligible is None else list(np.flatnonzero(eligible))
    order, saliencies = [], []
    for _ in range(n_remove):
        saliency = [w[q] ** 2 / (2 * C[q, q]) for q in candidates]
        q = candidates.pop(int(np.argmin(saliency)))
        order.append(q)
        saliencies.append(min(saliency))
        w = w - w[q] / C[q, q] * C[:, q]
        C = C - np.outer(C[:, q], C[q]) / C[q, q]
        w[q] = 0
        C[q] = C[:, q] = 0
    return np.array(order), np.array(saliencies), w


def constrained_minimum(weights, hessian, removed):
    """min 1/2 d'Hd subject to (w + d)_R = 0, by its KKT system: the new weights and the minimum."""
    n, r = len(weights), len(removed)
    E = np.eye(n)[:, removed]
    KKT = np.block([[hessian, E], [E.T, np.zeros((r, r))]])
    rhs = np.concatenate([np.zeros(n), -np.asarray(weights)[removed]])
    d = np.linalg.solve(KKT, rhs)[:n]
    return weights + d, 0.5 * d @ hessian @ d


def jacobian(function, theta, h):
    """Central differences, one column a parameter."""
    columns = []
    for q in range(theta.size):
        step = np.zeros_like(theta)
        step[q] = h
        columns.append((function(theta + step) - function(theta - step)) / (2 * h))
    return np.stack(columns, axis=-1)


def spd(rng, n, condition=1e3):
    """A symmetric positive definite matrix with that condition number."""
    Q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    H = (Q * np.geomspace(1, condition, n)) @ Q.T
    return (H + H.T) / 2


def brute_force_outputs(network, mask):
    """Living parameters that change the output when they are changed, by walking every path."""
    coefs, _ = network.layout.split(mask)
    sizes = [len(W) for W in coefs] + [coefs[-1].shape[1]]
    touched = set()
    for path in itertools.product(*(range(size) for size in sizes)):
        steps = list(enumerate(itertools.pairwise(path)))
        alive = [coefs[layer][i, j] for layer, (i, j) in steps]
        for layer, (i, j) in steps:
            if all(alive[layer:]):
                touched.add((layer, i, j))
    return touched


def check_inverse(C, H, rng):
    """The one checker that every structure passes: C against inv(H), a dense matrix."""
    n = len(H)
    exact = np.linalg.inv(H)
    # cond <= 1e4 of 1e-16, times n
    same = {"rtol": 1e-9, "atol": 1e-9 * np.abs(exact).max()}
    assert C.size == n
    assert_allclose(C.diagonal(), np.diag(exact), **same)
    some, rows = rng.permutation(n)[: n // 2], rng.permutation(n)[: n // 3]
    assert_allclose(C.columns(some), exact[:, some], **same)
    assert_allclose(C.columns(some, rows=rows), exact[np.ix_(rows, some)], **same)
    pairs = rng.integers(n, size=(3, 2))
    assert_allclose(C.minors(pairs), [exact[np.ix_(B, B)] for B in pairs], **same)
    removed = rng.permutation(n)[: n // 4]
    rest = np.setdiff1d(np.arange(n), removed)
    smaller = C.without(removed)
    exact_rest = np.linalg.inv(H[np.ix_(rest, rest)])
    assert_allclose(smaller.columns(np.arange(rest.size)), exact_rest, **same)
    assert_allclose(C.diagonal(), np.diag(exact), **same)  # a value: not changed by `without`
    again = rng.permutation(rest.size)[: rest.size // 10 + 1]
    last = np.delete(rest, again)
    smallest = smaller.without(again, overwrite=True)
    exact_last = np.linalg.inv(H[np.ix_(last, last)])
    assert_allclose(smallest.columns(np.arange(last.size)), exact_last, **same)
    assert smallest.without([]).size == last.size
    assert smallest.without(np.arange(last.size)).size == 0
