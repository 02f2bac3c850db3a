"""The network, samples and Hessian approximation for which curvature is measured, in batches."""

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

BATCH_BYTES = 2**24  # size of the largest array in a batch of samples: larger ones are no faster


@dataclass(frozen=True)
class Measurement:
    """The network and samples for which curvature is measured, and its kind."""

    network: Network
    X: Any  # (n, n_features) ndarray or CSR
    y: np.ndarray  # (n, n_outputs); for 'fisher' drawn from the network (`kinds.targets`)
    shares: np.ndarray  # (n,) the weight of each sample in the mean; they sum to 1
    kind: str  # a key of `KINDS`
    batch_bytes: int = BATCH_BYTES
    n_jobs: int | None = None  # threads that compute the batches

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.X.shape[0]

    @property
    def n_signals(self) -> int:
        """Number K of rows of G for each sample."""
        return KINDS[self.kind].n_signals(self.network.intercepts[-1].size)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the network, and of its factors."""
        return self.network.dtype

    @property
    def factor_numbers(self) -> int:
        """Size, for one sample, of the largest array of inputs or signals of a layer."""
        return max(max(len(W) + 1, self.n_signals * W.shape[1]) for W in self.network.coefs)

    def subset(self, rows: slice) -> "Measurement":
        """The same measurement on a slice of the samples."""
        return replace(self, X=self.X[rows], y=self.y[rows], shares=self.shares[rows])

    def slices(self, numbers_per_sample: int) -> list[slice]:
        """Slices of the samples, as long as `batch_bytes` allows, but of at least 16 samples."""
        n = max(16, min(self.batch_bytes, BATCH_BYTES) // (8 * numbers_per_sample))
        return sample_batches(self.n_samples, n)

    def batches(self, numbers_per_sample: int) -> Iterator[tuple[slice, list[LayerFactors]]]:
        """Yield each of these slices with its `layer_factors`."""
        for rows in self.slices(numbers_per_sample):
            yield rows, layer_factors(self.subset(rows))

    def over_batches(self, task: Callable) -> Iterator:
        """Yield task(rows, layers) of each batch, in order, computed by `n_jobs` threads.

        Results do not depend on the number of threads: batches have fixed boundaries, so that sums
        over them have a fixed order, and each thread uses one BLAS thread.
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
    """The measurement of a round, on samples that are drawn anew for it.

    At least `n_least` samples are drawn; all are used if there are no more. The Hessian
    approximation is the plan's, or Gauss-Newton if that is not one of `kinds`.
    """
    kind = plan.curvature if plan.curvature in kinds else "ggn"
    X, y, shares = objective.X, objective.y, objective.shares
    labels = y if objective.labels is None else objective.labels
    if kind == "empirical_fisher":  # the dense network's outputs would leave no residual
        y = labels
    n_samples = max(plan.n_curvature_samples, n_least)
    if X.shape[0] > n_samples:
        rows = _stratified(network, labels, n_samples, rng)
        X, y, shares = X[rows], y[rows], shares[rows] / shares[rows].sum()
    y = targets(kind, network, X, y, rng)
    return Measurement(network, X, y, shares, kind, plan.batch_bytes, n_jobs=plan.n_jobs)


def _stratified(network, y, n_samples, rng):
    """Indices of `n_samples` samples, drawn so that each class gets its share, to within one.

    The samples are shuffled and sorted by class, and every (n / n_samples)-th is taken, without
    replacement. If `y` has probabilities, the class of a sample is the most probable one. Label
    sets and regressions have no classes.
    """
    rows = rng.permutation(len(y))
    if network.out_activation == "softmax":
        rows = rows[np.argsort(y.argmax(axis=1)[rows], kind="stable")]
    elif network.out_activation == "logistic" and y.shape[1] == 1:
        rows = rows[np.argsort(y[rows, 0] > 0.5, kind="stable")]
    every = (np.arange(n_samples) + rng.random()) * (len(y) / n_samples)
    return np.sort(rows[every.astype(np.intp)])
