from dataclasses import replace

import numpy as np
import pytest
from networks import random_network
from numpy.testing import assert_allclose
from oracles import check_inverse, constrained_minimum, jacobian, spd

from sklearn_obs.curvature import (
    STRUCTURES,
    BlockInverse,
    FullInverse,
    KroneckerInverse,
    LayerProduct,
    LowRankInverse,
    Measurement,
    factor_diagonal,
    gauss_newton,
    inverted,
)
from sklearn_obs.curvature.factors import layer_factors
from sklearn_obs.network import forward
from sklearn_obs.network.losses import hessian_root


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n", [4, 41, 150])
def test_full(n, order):
    rng = np.random.default_rng(n)
    H = spd(rng, n)
    check_inverse(FullInverse(np.array(H, order=order)), H, rng)


def test_full_may_take_the_memory():
    rng = np.random.default_rng(0)
    H = spd(rng, 30)
    given = H.copy()
    C = FullInverse(given, overwrite=True)
    assert np.shares_memory(C._storage, given)
    check_inverse(C, H, rng)


def test_blocks():
    rng = np.random.default_rng(1)
    index = np.array_split(rng.permutation(60), [7, 8, 30])
    H, blocks = np.zeros((60, 60)), []
    for i in map(np.sort, index):
        H[np.ix_(i, i)] = spd(rng, i.size)
        blocks.append(inverted(i, FullInverse(H[np.ix_(i, i)])))
    check_inverse(BlockInverse(blocks), H, rng)
    assert [p.index.size for p in BlockInverse(blocks).blocks()] == [7, 1, 22, 30]


@pytest.mark.parametrize("n, m", [(40, 7), (150, 40), (60, 50)])
def test_low_rank(n, m):
    rng = np.random.default_rng(n)
    rows, ridge = rng.standard_normal((n, m)), 0.1 + rng.random(n)
    H = rows @ rows.T + np.diag(ridge)
    C = LowRankInverse(rows, ridge)
    check_inverse(C, H, rng)
    assert isinstance(C.without(np.arange(n - m)), FullInverse)  # no more weights than rows
    assert isinstance(C.without(np.arange(n - m - 1)), LowRankInverse)


def kronecker_case(rng, shapes, share):
    """A `KroneckerInverse` over a share of the weights of some layers, and its dense matrix."""
    n_all = sum(p * u for p, u in shapes)
    kept = np.flatnonzero(rng.random(n_all) < share)
    position = np.full(n_all, -1)
    position[kept] = rng.permutation(kept.size)
    ridge, H = 0.1 + rng.random(kept.size), np.diag(np.zeros(kept.size))
    layers, start = [], 0
    for p, u in shapes:
        index = position[start : start + p * u].reshape(p, u)
        A, B = spd(rng, p, 20), spd(rng, u, 20)
        layers.append(LayerProduct(A, B, index))
        there, flat = index.ravel() >= 0, index.ravel()
        product = np.kron(A, B)[np.ix_(there, there)]  # weights row by row
        H[np.ix_(flat[there], flat[there])] = product
        start += p * u
    return KroneckerInverse(layers, ridge), H + np.diag(ridge)


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_kronecker(share):
    rng = np.random.default_rng(5)
    C, H = kronecker_case(rng, [(5, 4), (4, 3), (3, 1)], share)
    check_inverse(C, H, rng)
    assert sum(block.index.size for block in C.blocks()) == C.size
    for block in C.blocks():
        H_block = H[np.ix_(block.index, block.index)]
        columns = block.inverse().columns(np.arange(len(H_block)))
        assert_allclose(columns, np.linalg.inv(H_block))
    # the weight update of the product is the closed form of the whole path
    w, removed = rng.standard_normal(C.size), rng.permutation(C.size)[: C.size // 2]
    exact, _ = constrained_minimum(w, H, removed)
    assert_allclose(C.compensated(w, removed), exact, atol=1e-5)  # residual 1e-8, condition 400


def test_not_positive_definite_is_an_error():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        FullInverse(np.diag([1.0, 0.0]))
    # two columns alike: C_qq H_qq = 1 / (1 - rho^2) is beyond float64
    with pytest.raises(np.linalg.LinAlgError):
        FullInverse(np.ones((2, 2)))


KINDS = [
    (a, o)
    for a in ("identity", "logistic", "tanh", "relu")
    for o in ("softmax", "logistic", "identity", "exp")
]


def dense_gauss_newton(network, X, shares):
    """sum_t v_t J_t' B_t J_t, J by finite differences of z, B by the loss's second derivative."""
    n_outputs = network.intercepts[-1].size

    def z(theta):
        *_, h, _ = forward(network.with_theta(theta), X)
        moved = network.with_theta(theta)
        return h @ moved.coefs[-1] + moved.intercepts[-1]

    J = jacobian(z, network.theta, 1e-5)
    p = forward(network, X)[-1]
    H = np.zeros((network.theta.size,) * 2)
    for t, v in enumerate(shares):
        B = {
            "softmax": np.diag(p[t]) - np.outer(p[t], p[t]),
            "logistic": np.diag(p[t] * (1 - p[t])),
            "identity": np.eye(n_outputs),
            "exp": np.diag(p[t]),
        }[network.out_activation]
        H += v * J[t].T @ B @ J[t]
    return H


@pytest.mark.parametrize(("activation", "out"), KINDS)
@pytest.mark.parametrize("hidden", [(), (4,), (5, 3)])
def test_gauss_newton_against_finite_differences(activation, out, hidden):
    network, X, y, v = random_network(activation, out, hidden)
    exact = dense_gauss_newton(network, X, v)
    here = Measurement(network, X, y, v, "ggn")
    # truncation h^2 = 1e-10, rounding eps / h = 1e-11, products of two entries of order 1
    same = {"rtol": 1e-7, "atol": 1e-8}
    everything = np.arange(network.theta.size)
    assert_allclose(gauss_newton(here, everything), exact, **same)
    assert_allclose(factor_diagonal(here), np.diag(exact), **same)
    keep = np.sort(np.random.default_rng(0).permutation(everything)[: everything.size // 2])
    assert_allclose(gauss_newton(here, keep), exact[np.ix_(keep, keep)], **same)


def test_both_routes_and_batches_agree():
    # private: the public function takes one of the two routes by size
    from sklearn_obs.curvature.gauss_newton import _by_pairs, _by_rows

    network, X, y, v = random_network("tanh", "softmax", (6, 5), n_samples=300)
    keep = np.sort(np.random.default_rng(1).permutation(network.layout.n_parameters)[:50])
    position = network.layout.positions(keep)
    here = Measurement(network, X, y, v, "ggn")
    by_rows = _by_rows(here, keep, np.float64)
    by_pairs = _by_pairs(here, keep, position, [0, 1, 2], np.float64)
    assert_allclose(by_pairs, by_rows, rtol=1e-12, atol=1e-15)  # the same sum, reordered
    small = replace(here, batch_bytes=1)
    assert len(small.slices(1)) == 19  # of 16 rows, the least
    assert_allclose(_by_pairs(small, keep, position, [0, 1, 2], np.float64), by_rows, atol=1e-14)


@pytest.mark.parametrize("out", ["softmax", "logistic", "identity", "exp"])
def test_root_of_the_loss_hessian(out):
    p = np.random.default_rng(2).dirichlet(np.ones(4), size=3)
    R = hessian_root(out, p)
    for t in range(3):
        exact = {
            "softmax": np.diag(p[t]) - np.outer(p[t], p[t]),
            "logistic": np.diag(p[t] * (1 - p[t])),
            "identity": np.eye(4),
            "exp": np.diag(p[t]),
        }[out]
        assert_allclose(R[t].T @ R[t], exact, atol=1e-15)


@pytest.mark.parametrize("structure", ["unit", "layer", "full", "low_rank"])
def test_structures_are_blocks_of_the_matrix(structure):
    network, X, y, v = random_network("tanh", "softmax", (5, 4))
    rng = np.random.default_rng(3)
    keep = np.sort(rng.permutation(network.theta.size)[:60])
    here = Measurement(network, X, y, v, "ggn" if structure != "low_rank" else "fisher")
    H = gauss_newton(here, keep)
    block = np.empty(network.theta.size, int)
    for layer, index in enumerate(network.layout.index):
        units = np.arange(index.shape[1])
        block[index] = {"unit": 100 * layer + units, "layer": layer}.get(structure, 0)
    H = np.where(block[keep][:, None] == block[keep], H, 0)
    ridge = 0.1 + rng.random(keep.size)
    C = STRUCTURES[structure].invert(here, keep, ridge)
    check_inverse(C, H + np.diag(ridge), rng)


def test_sparse_rows_have_the_same_factors():
    from scipy.sparse import csr_array

    network, X, y, v = random_network("relu", "softmax", (4,))
    X = np.where(np.random.default_rng(4).random(X.shape) < 0.5, 0, X)
    for dense, sparse in zip(
        layer_factors(Measurement(network, X, y, v, "ggn")),
        layer_factors(Measurement(network, csr_array(X), y, v, "ggn")),
        strict=True,
    ):
        assert_allclose(dense.inputs, sparse.inputs, atol=1e-14)  # the same sum, reordered
        assert_allclose(dense.signals, sparse.signals, atol=1e-15)
