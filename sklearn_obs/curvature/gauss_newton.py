"""The exact Gauss-Newton matrix H = G'G over any set of weights, summed over batches of samples.

There are two ways to compute the same sum. If few weights are left, the rows of G are formed and
multiplied (`syrk`)::

    H_pq = sum_(t, k) G[(t, k), p] G[(t, k), q]                             K m^2 n flops

If many are left, the sum over outputs is computed first. The block between two units is
A' diag(d) B, where A and B hold the inputs of their layers, and d the products of their signals,
summed over outputs. For all pairs of inputs and of units at once, this is one product of two
matrices with n rows::

    H_(i,j),(i',j') = sum_t (a[t, i] a'[t, i']) (sum_k s[t, k, j] s'[t, k, j'])      m^2 n flops

Within a layer, only the pairs with i <= i' and j <= j' are needed, which are a quarter of all.
"""

import numpy as np

from sklearn_obs.curvature.measurement import Measurement

PAIRS_AT_ONCE = 512  # rows of one product: enough for a fast BLAS, few enough for the cache


def gauss_newton(measurement: Measurement, keep: np.ndarray, dtype=np.float64) -> np.ndarray:
    """Compute H over the parameters with the flat indices `keep`.

    Parameters
    ----------
    measurement : Measurement
        The network, the samples, and a Hessian approximation that has factors (`FACTORED`).
    keep : ndarray of shape (m,), ascending
        Flat indices.
    dtype : dtype, default=float64
        The precision of products and sums.

    Returns
    -------
    ndarray of shape (m, m), float64
        Symmetric and positive semidefinite, without penalty and damping.
    """
    index = measurement.network.layout.index
    position = measurement.network.layout.positions(keep)
    layers = [layer for layer, i in enumerate(index) if (position[i] >= 0).any()]
    in_layers = sum(index[layer].size for layer in layers)
    if _rows_are_cheaper(keep.size, in_layers, measurement.n_signals):
        return _by_rows(measurement, keep, dtype)
    return _by_pairs(measurement, keep, position, layers, dtype)


def _rows_are_cheaper(n_kept, in_layers, n_signals):
    return n_signals * n_kept**2 < in_layers**2 / 2


def gauss_newton_bytes(units, n_inputs, n_signals, itemsize):
    """Number of bytes that `gauss_newton` needs at most.

    For each layer, `units` has the number of parameters of each unit in H, and `n_inputs` is
    fan_in + 1.
    """
    n_kept = int(sum(layer.sum() for layer in units))
    sizes = [len(layer) * p for layer, p in zip(units, n_inputs, strict=True) if layer.any()]
    if _rows_are_cheaper(n_kept, sum(sizes), n_signals):
        return n_kept**2 * (8 + itemsize)
    pairs = (sum(sizes) ** 2 - sum(size**2 for size in sizes)) / 2  # between different layers
    return n_kept**2 * 8 + (pairs + sum(size**2 for size in sizes) / 3) * itemsize


def formed_rows(measurement, keep, dtype):
    """Yield G' in batches, each of shape (m, samples in the batch times K).

    There is one row for each parameter of `keep`.
    """
    position = measurement.network.layout.positions(keep)
    where = [np.nonzero(position[index] >= 0) for index in measurement.network.layout.index]
    n_signals = measurement.n_signals
    numbers = max(measurement.factor_numbers, n_signals * keep.size)
    for rows, factors in measurement.batches(numbers):
        G = np.empty((keep.size, n_signals, rows.stop - rows.start), dtype)
        for index, layer, (i, j) in zip(
            measurement.network.layout.index, factors, where, strict=True
        ):
            at = position[index[i, j]]
            G[at] = layer.inputs.T[i][:, None, :] * layer.signals.T[j]
        yield G.reshape(keep.size, -1)


def _by_rows(measurement, keep, dtype):
    H = np.zeros((keep.size, keep.size))
    for G in formed_rows(measurement, keep, dtype):
        H += G @ G.T
    return H


def _by_pairs(measurement, keep, position, layers, dtype):
    index = [
        position[measurement.network.layout.index[layer]] for layer in layers
    ]  # (fan_in + 1, fan_out)
    sums = {}  # (l, l') -> array of shape (pairs of inputs, pairs of units)
    for x, here in enumerate(index):
        p, u = here.shape
        sums[x, x] = np.empty((p * (p + 1) // 2, u * (u + 1) // 2), dtype)
        for y, there in enumerate(index[x + 1 :], start=x + 1):
            sums[x, y] = np.empty((p * there.shape[0], u * there.shape[1]), dtype)
    numbers = max(measurement.factor_numbers, max(i.shape[1] for i in index) ** 2)
    for rows, factors in measurement.batches(numbers):
        inputs = [
            np.ascontiguousarray(factors[layer].inputs.T, dtype) for layer in layers
        ]  # (p, n)
        signals = [factors[layer].signals.astype(dtype, copy=False) for layer in layers]
        for (x, y), total in sums.items():
            d = np.matmul(signals[x].transpose(0, 2, 1), signals[y])  # (n, u, u')
            d = d[:, *np.tril_indices(d.shape[1])] if x == y else d.reshape(len(d), -1)
            start = 0
            for a in _products(inputs[x], inputs[y], x == y):
                chunk = total[start : start + len(a)]
                if rows.start:
                    chunk += a @ d
                else:
                    np.matmul(a, d, out=chunk)
                start += len(a)
    H = np.empty((keep.size, keep.size))
    for (x, y), total in sums.items():
        u, start = index[x].shape[1], 0
        pairs = np.zeros((u, u), np.intp)  # pair of units -> column of the sums
        pairs[np.tril_indices(u)] = np.arange(u * (u + 1) // 2)
        pairs = np.maximum(pairs, pairs.T)
        for i, rows in enumerate(index[x]):
            columns = index[y][i:] if x == y else index[y]
            block = total[start : start + len(columns)]  # (i', pairs of units)
            start += len(columns)
            block = block[:, pairs] if x == y else block.reshape(len(columns), u, -1)
            block = block.transpose(1, 0, 2)  # (j, i', j')
            # coefs and intercepts separately: each is contiguous in H if all parameters are kept
            _put(H, rows, columns[:-1].ravel(), block[:, :-1].reshape(u, -1))
            _put(H, rows, columns[-1], block[:, -1])
    _mirror(H)
    return H


def _products(a, b, symmetric):
    """Yield a_i b_i' for all pairs (i <= i' if symmetric), in chunks that are complete in i.

    All chunks use the same memory, so each one overwrites the one before.
    """
    buffer = np.empty((PAIRS_AT_ONCE + len(b), a.shape[1]), a.dtype)
    filled = 0
    for i in range(len(a)):
        others = b[i:] if symmetric else b
        np.multiply(a[i], others, out=buffer[filled : filled + len(others)])
        filled += len(others)
        if i == len(a) - 1 or filled >= PAIRS_AT_ONCE:
            yield buffer[:filled]
            filled = 0


def _put(H, rows, columns, block):
    """Write `block` to H[rows, columns], transposed if that would be below the diagonal.

    Rows and columns of -1 are not kept, and are left out.
    """
    if rows.min() < 0 or (columns.size and columns.min() < 0):
        block = block[np.ix_(rows >= 0, columns >= 0)]
        rows, columns = rows[rows >= 0], columns[columns >= 0]
    if not (rows.size and columns.size):
        return
    if rows[0] > columns[0]:
        rows, columns, block = columns, rows, block.T
    if rows[-1] - rows[0] == rows.size - 1 and columns[-1] - columns[0] == columns.size - 1:
        H[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = block
    else:
        H[np.ix_(rows, columns)] = block


def _mirror(H, tile=128):
    """Copy the upper triangle of H to the lower one, in tiles that fit in cache."""
    for start in range(0, len(H), tile):
        stop = start + tile
        H[stop:, start:stop] = H[start:stop, stop:].T
        upper = np.triu(H[start:stop, start:stop])
        H[start:stop, start:stop] = upper + np.triu(upper, 1).T
