"""What a structure of curvature is: how it is inverted, how much memory it takes, its kinds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_obs.curvature.kinds import KINDS
from sklearn_obs.curvature.measurement import BATCH_BYTES, Measurement
from sklearn_obs.elimination import PANEL, InverseHessian
from sklearn_obs.network import Layout


@dataclass(frozen=True)
class Structure:
    """One way to hold curvature over many weights; a value, named in `STRUCTURES`."""

    # (measurement, keep, ridge) -> C over the parameters with flat indices `keep`, with `ridge`, of
    # shape (m,), on the diagonal of H
    invert: Callable[[Measurement, np.ndarray, np.ndarray], InverseHessian]
    memory: Callable[["Extent"], float]  # bytes of matrices at the peak of a round, an estimate
    kinds: tuple[str, ...]  # of `KINDS`
    # how many samples the largest block needs for its full rank; none where that is not wanted
    rank: Callable[["Extent"], float] = lambda extent: 0

    def needs(self, extent: "Extent") -> float:
        """An estimate of the bytes that a round takes at its peak: matrices, batches of samples."""
        return self.memory(extent) + extent.batch_bytes


@dataclass(frozen=True)
class Extent:
    """The numbers that memory depends on."""

    units: tuple[np.ndarray, ...]  # per layer and receiving unit, its parameters in H
    n_inputs: tuple[int, ...]  # per layer fan_in + 1
    n_samples: int  # that curvature is measured on
    kind: str
    n_signals: int  # rows of G per sample: K
    itemsize: int  # bytes of a factor's number
    n_remove: int
    n_jobs: int

    @property
    def n(self) -> int:
        """Weights and intercepts in H."""
        return int(sum(layer.sum() for layer in self.units))

    @property
    def panel_bytes(self) -> int:
        """Of the columns of a panel of removals, and of what is made of them."""
        return 8 * PANEL * 8 * self.n

    @property
    def batch_bytes(self) -> int:
        """Of factors at once: those of all layers, with what they are made of."""
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
    """The extent of curvature over the parameters with the flat indices `keep`."""
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
