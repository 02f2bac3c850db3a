"""A multi-layer perceptron as plain arrays: what it computes, and what a mask leaves of it.

`layers` has the forward pass, the loss and its gradient; `losses` the three losses of the output
layer; `distillation` puts another network's outputs into an objective; `compaction` says which
weights may be removed, and which no longer affect the output; `prediction` has the forward pass of
a pruned network in the form that is fastest.
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
