"""What a structure of curvature is: how it is inverted, what it takes, which kinds it has."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_obs.curvature.kinds import KINDS
from sklearn_obs.elimination import PANEL

BATCH_BYTES = 2**24  # of the largest array of a batch of rows: more is no faster


@dataclass(frozen=True)
class Structure:
    """One way to hold curvature over many weights; a value, named in `STRUCTURES`."""

    # (measurement, keep, ridge) -> InverseHessian over the parameters with flat indices `keep`,
    # with `ridge`, of shape (m,), on the diagonal of H
    invert: Callable
    memory: Callable  # (Extent) -> bytes of matrices at the peak of a round, an estimate
    kinds: tuple[str, ...]  # of `KINDS`

    def needs(self, extent):
        """An estimate of the bytes that a round takes at its peak: matrices and batches of rows."""
        return self.memory(extent) + extent.batch_bytes


@dataclass(frozen=True)
class Extent:
    """The numbers that memory depends on."""

    units: tuple[np.ndarray, ...]  # per layer and receiving unit, its parameters in H
    n_inputs: tuple[int, ...]  # per layer fan_in + 1
    n_rows: int  # that curvature is measured on
    kind: str
    n_signals: int  # rows of G per row: K
    itemsize: int  # bytes of a factor's number
    n_remove: int
    n_jobs: int

    @property
    def n(self):
        """Weights and intercepts in H."""
        return int(sum(layer.sum() for layer in self.units))

    @property
    def panel_bytes(self):
        """Of the columns of a panel of removals, and of what is made of them."""
        return 8 * PANEL * 8 * self.n

    @property
    def batch_bytes(self):
        """Of factors at once: those of all layers, with what they are made of."""
        numbers = sum(self.n_inputs) + 2 * self.n_signals * sum(map(len, self.units))
        widest = max(max(self.n_inputs), self.n_signals * max(map(len, self.units)))
        rows = min(self.n_rows, max(16, BATCH_BYTES // (8 * widest)))
        return 2 * rows * numbers * self.itemsize


def extent(network, keep, *, kind, n_rows, n_remove, n_jobs):
    """The extent of curvature over the parameters with the flat indices `keep`."""
    kept = np.zeros(network.n_parameters, bool)
    kept[keep] = True
    return Extent(
        units=tuple(np.count_nonzero(kept[index], axis=0) for index in network.index),
        n_inputs=tuple(len(index) for index in network.index),
        n_rows=n_rows,
        kind=kind,
        n_signals=KINDS[kind].n_signals(network.intercepts[-1].size),
        itemsize=network.coefs[0].dtype.itemsize,
        n_remove=n_remove,
        n_jobs=n_jobs,
    )
