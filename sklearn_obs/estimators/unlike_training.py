"""A warning if the samples for a fitted network are not like those that it was trained on.

The usual cause is that they are not scaled: a Pipeline scales them, but the last step alone does
not. The network is then worse than any constant prediction, and pruning would fit it anew.
"""

import numpy as np

from sklearn_obs.network import Network, constant_loss, evaluate
from sklearn_obs.network.layers import Objective
from sklearn_obs.network.losses import equal_losses
from sklearn_obs.pruning.warned import warn

FACTOR = 5  # a network that is hardly trained is a few times as bad; unscaled samples make it tens


def warn_if_unlike_training(network: Network, objective: Objective) -> None:
    """Warn if the loss against the labels is more than five times that of a constant prediction.

    For classes, the prediction that all are equally likely is also a constant. It is no worse if
    the samples have only some of the classes. The loss of counts is not asked, because it is not 0
    for a perfect prediction.
    """
    if network.out_activation == "exp":
        return
    found = evaluate(network, objective).label
    equal = float(objective.shares @ equal_losses(network.out_activation, objective.labels))
    constant = max(constant_loss(network, objective), equal)
    if 0 < FACTOR * constant < found < np.inf:  # one that is not finite is refused with its reason
        warn(
            f"On these samples the network has the loss {found:.3g}, but a constant prediction has "
            f"{constant:.3g}. Are the samples scaled as in training? For the last step of a "
            "Pipeline, pass `pipeline[:-1].transform(X)`."
        )
