"""What every solver of retraining hands back, and what it may be watched by."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_obs.network import Network

# called with the trainable parameters and their gradient at each point where one is taken
Watcher = Callable[[np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Retrained:
    """The network after retraining, and what that took."""

    network: Network
    epochs: int  # evaluations of the loss and its gradient, one for each sample
    converged: bool  # False where the epochs ran out
