"""What every solver of retraining returns, and the type of the callback `watch`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_obs.network import Network

# called with the trainable parameters and their gradient at each point where it is computed
Watcher = Callable[[np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Retrained:
    """The network after retraining, and how long that took."""

    network: Network
    epochs: int  # each computes the loss and its gradient once for every sample
    converged: bool  # False if the epochs ran out
