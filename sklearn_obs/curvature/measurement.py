"""Where curvature is measured: the network, the samples and the kind, batch by batch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from sklearn_obs.curvature.factors import LayerFactors, layer_factors, squared_signals
from sklearn_obs.curvature.kinds import KINDS, targets
from sklearn_obs.machine import one_blas_thread
from sklearn_obs.network import Network, Objective, sample_batches
from sklearn_obs.plan import Plan

BATCH_BYTES = 2**24  # of the largest array of a batch of samples: more is no faster


@dataclass(frozen=True)
class Measurement:
    """Where curvature is measured, and of which kind."""

    network: Network
    X: Any  # (n, n_features) ndarray or CSR
    y: np.ndarray  # (n, n_outputs); for 'fisher' drawn from the network (`kinds.targets`)
    shares: np.ndarray  # (n,) of each sample in the mean, sum to 1
    kind: str  # of `KINDS`
    batch_bytes: int = BATCH_BYTES
    n_jobs: int | None = None  # threads that batches are shared among

    @property
    def n_samples(self) -> int:
        """How many samples there are."""
        return self.X.shape[0]

    @property
    def n_signals(self) -> int:
        """Rows of G that a sample has: K."""
        return KINDS[self.kind].n_signals(self.network.intercepts[-1].size)

    @property
    def dtype(self) -> np.dtype:
        """The network's."""
        return self.network.dtype

    @property
    def factor_numbers(self) -> int:
        """Numbers of the widest layer's signals, or inputs, in one sample."""
        return max(max(len(W) + 1, self.n_signals * W.shape[1]) for W in self.network.coefs)

    def subset(self, rows: slice) -> "Measurement":
        """The same on a slice of the samples."""
        return replace(self, X=self.X[rows], y=self.y[rows], shares=self.shares[rows])

    def slices(self, numbers_per_sample: int) -> list[slice]:
        """The samples in slices, as many as the batch's bytes allow but at least 16."""
        n = max(16, min(self.batch_bytes, BATCH_BYTES) // (8 * numbers_per_sample))
        return sample_batches(self.n_samples, n)

    def batches(self, numbers_per_sample: int) -> Iterator[tuple[slice, list[LayerFactors]]]:
        """These slices with their `layer_factors`."""
        for rows in self.slices(numbers_per_sample):
            yield rows, layer_factors(self.subset(rows))

    def over_batches(self, task: Callable) -> Iterator:
        """task(rows, layers) of each batch, in order: by threads, the same for any number of them.

        Boundaries do not depend on `n_jobs`, sums of the results are taken in order, and each
        thread has one BLAS thread.
        """
        slices = self.slices(self.factor_numbers)

        def run(rows):
            return task(rows, layer_factors(self.subset(rows)))

        with one_blas_thread():
            if len(slices) == 1 or effective_n_jobs(self.n_jobs) == 1:
                yield from map(run, slices)
            else:
                threads = Parallel(self.n_jobs, require="sharedmem", return_as="generator")
                yield from threads(delayed(run)(rows) for rows in slices)


def factor_diagonal(measurement: Measurement) -> np.ndarray:
    """diag(G'G) of shape (n_parameters,): sum_t a[t, i]^2 sum_k s[t, k, j]^2, in float64."""
    layout = measurement.network.layout
    diagonal = np.zeros(layout.n_parameters)

    def squares(rows, layers):
        return [(layer.inputs**2).T @ squared_signals(layer) for layer in layers]

    for sums in measurement.over_batches(squares):
        for h, index in zip(sums, layout.index, strict=True):
            diagonal[index] += h
    return diagonal


def measure(
    network: Network,
    objective: Objective,
    plan: Plan,
    rng: np.random.Generator,
    kinds: Sequence[str] = tuple(KINDS),
    n_least: int = 0,
) -> Measurement:
    """Where a round measures curvature: samples drawn anew, all of them where there are fewer.

    The kind is the plan's, or Gauss-Newton's where that is none of `kinds`. At least `n_least`
    samples are drawn.
    """
    kind = plan.curvature if plan.curvature in kinds else "ggn"
    X, y, shares = objective.X, objective.y, objective.shares
    labels = y if objective.labels is None else objective.labels
    if kind == "empirical_fisher":  # what is imitated leaves no residual at first
        y = labels
    n_samples = max(plan.n_curvature_samples, n_least)
    if X.shape[0] > n_samples:
        rows = _stratified(network, labels, n_samples, rng)
        X, y, shares = X[rows], y[rows], shares[rows] / shares[rows].sum()
    y = targets(kind, network, X, y, rng)
    return Measurement(network, X, y, shares, kind, plan.batch_bytes, n_jobs=plan.n_jobs)


def _stratified(network, y, n_samples, rng):
    """`n_samples` of the samples, without replacement: of each class its share, to within one.

    They are put into random order and sorted by class, and every (n / n_samples)-th is taken; of
    probabilities `y` the likeliest class counts. Label sets and regressions have no classes.
    """
    rows = rng.permutation(len(y))
    if network.out_activation == "softmax":
        rows = rows[np.argsort(y.argmax(axis=1)[rows], kind="stable")]
    elif network.out_activation == "logistic" and y.shape[1] == 1:
        rows = rows[np.argsort(y[rows, 0] > 0.5, kind="stable")]
    every = (np.arange(n_samples) + rng.random()) * (len(y) / n_samples)
    return np.sort(rows[every.astype(np.intp)])
