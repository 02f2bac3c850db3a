"""A multi-layer perceptron as plain arrays, and the effect of a mask on it.

`layers` holds the forward pass, the loss and its gradient, and `losses` the four losses of the
output layer. `distillation` puts another network's outputs into an objective. `compaction` finds
the weights that may be removed and those that no longer affect the output. `prediction` computes
the forward pass of a pruned network in the fastest way.
"""

from sklearn_obs.network.distillation import imitating
from sklearn_obs.network.layers import (
    ACTIVATIONS,
    Layout,
    Losses,
    Network,
    Objective,
    backward,
    constant_loss,
    evaluate,
    forward,
    gauss_newton_times,
    loss,
    loss_and_gradient,
    mean_objective,
    penalty_of,
    sample_batches,
)

__all__ = [
    "ACTIVATIONS",
    "Layout",
    "Losses",
    "Network",
    "Objective",
    "backward",
    "constant_loss",
    "evaluate",
    "forward",
    "gauss_newton_times",
    "imitating",
    "loss",
    "loss_and_gradient",
    "mean_objective",
    "penalty_of",
    "sample_batches",
]
