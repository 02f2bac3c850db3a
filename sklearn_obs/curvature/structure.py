"""The type of a structure of curvature, and the sizes that its memory depends on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_obs.curvature.kinds import KINDS
from sklearn_obs.curvature.measurement import BATCH_BYTES, Measurement
from sklearn_obs.elimination import PANEL, InverseHessian
from sklearn_obs.network import Layout


@dataclass(frozen=True)
class Structure:
    """One way to store the curvature over many weights. `STRUCTURES` gives it a name."""

    # (measurement, keep, ridge) -> C over the parameters with the flat indices `keep`; `ridge`, of
    # shape (m,), is added to the diagonal of H
    invert: Callable[[Measurement, np.ndarray, np.ndarray], InverseHessian]
    memory: Callable[["Extent"], float]  # estimated bytes of matrices at the peak of a round
    kinds: tuple[str, ...]  # the keys of `KINDS` that it supports
    # how many samples the largest block needs to have full rank; 0 if it does not need to
    rank: Callable[["Extent"], float] = lambda extent: 0

    def needs(self, extent: "Extent") -> float:
        """Estimated bytes at the peak of a round, of matrices and batches of samples."""
        return self.memory(extent) + extent.batch_bytes


@dataclass(frozen=True)
class Extent:
    """The sizes that the memory of a round depends on."""

    units: tuple[np.ndarray, ...]  # for each layer, the number of parameters in H of each unit
    n_inputs: tuple[int, ...]  # for each layer, fan_in + 1
    n_samples: int  # samples that curvature is measured on
    kind: str
    n_signals: int  # K, the rows of G for each sample
    itemsize: int  # bytes of one number in a factor
    n_remove: int
    n_jobs: int

    @property
    def n(self) -> int:
        """Number of weights and intercepts in H."""
        return int(sum(layer.sum() for layer in self.units))

    @property
    def panel_bytes(self) -> int:
        """Bytes of the columns for a panel of removals, and of the arrays computed from them."""
        return 8 * PANEL * 8 * self.n

    @property
    def batch_bytes(self) -> int:
        """Bytes of all layers' factors for one batch, and of the arrays they are computed from."""
        numbers = sum(self.n_inputs) + 2 * self.n_signals * sum(map(len, self.units))
        widest = max(max(self.n_inputs), self.n_signals * max(map(len, self.units)))
        n_at_once = min(self.n_samples, max(16, BATCH_BYTES // (8 * widest)))
        return 2 * n_at_once * numbers * self.itemsize


def extent(
    layout: Layout,
    keep: np.ndarray,
    *,
    kind: str,
    n_samples: int,
    n_remove: int,
    n_jobs: int,
    itemsize: int,
) -> Extent:
    """The `Extent` of curvature over the parameters with the flat indices `keep`."""
    kept = np.zeros(layout.n_parameters, bool)
    kept[keep] = True
    return Extent(
        units=tuple(np.count_nonzero(kept[index], axis=0) for index in layout.index),
        n_inputs=tuple(len(index) for index in layout.index),
        n_samples=n_samples,
        kind=kind,
        n_signals=KINDS[kind].n_signals(layout.units[-1]),
        itemsize=itemsize,
        n_remove=n_remove,
        n_jobs=n_jobs,
    )
