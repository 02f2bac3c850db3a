"""Movement: whether retraining moves each weight towards 0 or away from it.

The sum is over the points that retraining evaluates, with g the gradient of the loss::

    movement_q = -sum w_q g_q      negative if weight q moves towards 0

References
----------
Sanh, V., Wolf, T. and Rush, A. M. (2020). Movement pruning: adaptive sparsity by fine-tuning.
Advances in Neural Information Processing Systems 33.
"""

import numpy as np

from sklearn_obs.network import Network
from sklearn_obs.pruning.problem import Problem
from sklearn_obs.retraining import Retrained, retrain


def retrain_watched(
    network: Network,
    mask: np.ndarray,
    problem: Problem,
    rng: np.random.Generator,
    *,
    epochs: int | None = None,
) -> tuple[np.ndarray | None, Retrained]:
    """Retrain, and record how the weights move if the criterion needs it.

    Returns
    -------
    movement : ndarray of shape (n_parameters,) or None
        None unless the criterion is 'movement'.
    retrained : Retrained
    """
    movement = np.zeros(network.layout.n_parameters)

    def watch(trainable, x, g):
        movement[trainable] -= x * g

    asked = problem.plan.criterion == "movement"
    retrained = retrain(
        network,
        mask,
        problem.objective,
        problem.plan,
        rng,
        epochs=epochs,
        watch=watch if asked else None,
    )
    return movement if asked else None, retrained
