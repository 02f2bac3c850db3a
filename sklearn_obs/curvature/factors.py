"""Factors of curvature: what one forward and one backward pass give each layer.

Row t has K rows r_k of a root of the loss's curvature in its output (see `kinds`). Sent back
through the network they are signals, and the curvature is a sum of products of two factors::

    s_L[t, k] = sqrt(v_t) r_k(t)
    s_l[t, k] = (s_{l+1}[t, k] W_{l+1}') phi'(z_l[t])
    H = G'G  with  G[(t, k), (i, j)] = a_l[t, i] s_l[t, k, j]  for weight i -> j of layer l

with a_l = (h_{l-1}, 1) the inputs of the layer, 1 for its intercept. Factors have the network's
dtype: their rounding moves G, never the sign of G'G.

References
----------
Schraudolph, N. (2002). Fast curvature matrix-vector products for second-order gradient descent.
Neural Computation 14.
"""

from dataclasses import dataclass, replace

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from scipy.sparse import issparse

from sklearn_obs.curvature.kinds import KINDS
from sklearn_obs.curvature.structure import BATCH_BYTES
from sklearn_obs.network import Network, backward, forward, row_batches
from sklearn_obs.threads import one_blas_thread


@dataclass(frozen=True)
class Measurement:
    """Where curvature is measured, and of which kind."""

    network: Network
    X: object  # (n, n_features) ndarray or CSR
    y: np.ndarray  # (n, n_outputs); for 'fisher' drawn from the network (`kinds.targets`)
    row_weight: np.ndarray  # (n,), sums to 1
    kind: str  # of `KINDS`
    batch_bytes: int = BATCH_BYTES
    n_jobs: int | None = None  # threads that batches are shared among

    @property
    def n_rows(self):
        """Rows of data."""
        return self.X.shape[0]

    @property
    def n_signals(self):
        """Rows of G that a row of data has: K."""
        return KINDS[self.kind].n_signals(self.network.intercepts[-1].size)

    @property
    def dtype(self):
        """The network's."""
        return self.network.coefs[0].dtype

    @property
    def factor_numbers(self):
        """Numbers of the widest layer's signals, or inputs, in one row."""
        return max(max(len(W) + 1, self.n_signals * W.shape[1]) for W in self.network.coefs)

    def rows(self, rows):
        """The same on a slice of the rows."""
        return replace(self, X=self.X[rows], y=self.y[rows], row_weight=self.row_weight[rows])

    def slices(self, numbers_per_row):
        """The rows in slices, as many rows as the batch's bytes allow but at least 16."""
        batch_rows = max(16, min(self.batch_bytes, BATCH_BYTES) // (8 * numbers_per_row))
        return row_batches(self.n_rows, batch_rows)

    def batches(self, numbers_per_row):
        """These slices with their `layer_factors`."""
        for rows in self.slices(numbers_per_row):
            yield rows, layer_factors(self.rows(rows))

    def over_batches(self, task):
        """task(rows, layers) of each batch, in order: by threads, the same for any number of them.

        Boundaries do not depend on `n_jobs`, sums of the results are taken in order, and each
        thread has one BLAS thread.
        """
        slices = self.slices(self.factor_numbers)

        def run(rows):
            return task(rows, layer_factors(self.rows(rows)))

        with one_blas_thread():
            if len(slices) == 1 or effective_n_jobs(self.n_jobs) == 1:
                yield from map(run, slices)
            else:
                threads = Parallel(self.n_jobs, require="sharedmem", return_as="generator")
                yield from threads(delayed(run)(rows) for rows in slices)


@dataclass(frozen=True)
class LayerFactors:
    """One layer's two factors of G."""

    inputs: np.ndarray  # a: (n, fan_in + 1)
    signals: np.ndarray  # s: (n, K, fan_out)


def layer_factors(measurement):
    """The factors of each layer, for all rows of the measurement at once."""
    network, dtype = measurement.network, measurement.dtype
    values = forward(network, measurement.X)
    root = KINDS[measurement.kind].root(network.out_activation, values[-1], measurement.y)
    root = np.sqrt(measurement.row_weight)[:, None, None] * root
    signals = backward(network, values, root.astype(dtype, copy=False))
    return [LayerFactors(with_ones(h, dtype), s) for h, s in zip(values, signals, strict=False)]


def factor_diagonal(measurement):
    """diag(G'G) of shape (n_parameters,): sum_t a[t, i]^2 sum_k s[t, k, j]^2, in float64."""
    diagonal = np.zeros(measurement.network.n_parameters)

    def squares(rows, layers):
        return [(layer.inputs**2).T @ squared_signals(layer) for layer in layers]

    for sums in measurement.over_batches(squares):
        for h, index in zip(sums, measurement.network.index, strict=True):
            diagonal[index] += h
    return diagonal


def squared_signals(layer):
    """sum_k s[t, k, j]^2, of shape (n, fan_out)."""
    return np.einsum("tkj,tkj->tj", layer.signals, layer.signals)


def with_ones(h, dtype):
    """(h, 1) of shape (n, fan_in + 1), dense."""
    a = np.ones((h.shape[0], h.shape[1] + 1), dtype)
    a[:, :-1] = h.toarray() if issparse(h) else h
    return a
