"""What every solver of retraining hands back, who may watch it, and how it tries a step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_obs.network import Network, Objective, loss_and_gradient

# called with the trainable parameters and their gradient at each point where one is taken
Watcher = Callable[[np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Retrained:
    """The network after retraining, and what that took."""

    network: Network
    epochs: int  # passes over the data
    converged: bool  # False where the epochs ran out


def tried(network: Network, objective: Objective) -> tuple[float, np.ndarray]:
    """f and its gradient where a step leads: infinite and 0 where numbers overflow on the way.

    Saturated outputs hide an overflow, and the loss of a probability is clipped: it may even fall.
    """
    try:
        with np.errstate(over="raise", invalid="ignore"):
            return loss_and_gradient(network, objective)
    except FloatingPointError:
        return np.inf, np.zeros(network.layout.n_parameters)
