"""What groups of weights cost all blocks of a curvature together.

With delta, what the removal of a group changes, and H the curvature over all weights, penalty and
damping included, the group's joint saliency is::

    L_B = delta' H delta / 2        H = G'G + diag(ridge)

so it takes G delta of each group, which is a sum over the blocks that delta comes from.
"""

from collections.abc import Iterable

import numpy as np

from sklearn_obs.curvature import Measurement
from sklearn_obs.elimination.grouped import Update


def joint_saliencies(
    measurement: Measurement,
    keep: np.ndarray,
    ridge: np.ndarray,
    updates: Iterable[Update],
    n_groups: int,
    others: Iterable["Along"] = (),
) -> np.ndarray:
    """L_B of each group, of shape (n_groups,).

    Parameters
    ----------
    measurement : Measurement
        Of a kind that has a root.
    keep : ndarray of shape (m,), int
        Flat indices of the weights that the updates are over.
    ridge : ndarray of shape (m,)
        Penalty and damping.
    updates : iterable of Update
        As of `sklearn_obs.elimination.group_updates`.
    n_groups : int
    others : iterable of Along, default=()
        Other curvatures that are to see the updates.
    """
    saliency, along = np.zeros(n_groups), Along(measurement, n_groups)
    for index, some, delta in updates:
        saliency[some] += ridge[index] @ delta**2 / 2
        for each in (along, *others):
            each.add(keep[index], some, delta)
    return saliency + (along.value**2).sum(axis=(0, 1)) / 2


class Along:
    """G delta of the root G of a curvature, for several directions delta.

    Parameters
    ----------
    measurement : Measurement
    n_directions : int

    Attributes
    ----------
    value : ndarray of shape (n_samples, K, n_directions)
        For what has been added so far.
    """

    value: np.ndarray

    def __init__(self, measurement: Measurement, n_directions: int):
        self._layout = measurement.network.layout
        self._batches = list(measurement.batches(measurement.factor_numbers))
        self.value = np.zeros((measurement.n_samples, measurement.n_signals, n_directions))

    def add(self, flat: np.ndarray, some: np.ndarray, delta: np.ndarray) -> None:
        """Of the directions `some`, what they change in the parameters `flat`: (m, n_some)."""
        position = self._layout.positions(flat)
        for rows, layers in self._batches:
            for index, layer in zip(self._layout.index, layers, strict=True):
                for unit, column in enumerate(position[index].T):
                    (reads,) = np.nonzero(column >= 0)
                    if reads.size:
                        along = layer.inputs[:, reads] @ delta[column[reads]]
                        signal = layer.signals[:, :, unit, None]
                        self.value[rows, :, some] += signal * along[:, None, :]
