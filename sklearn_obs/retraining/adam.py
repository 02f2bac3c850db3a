"""Retraining of the trainable parameters by Adam, on mini-batches of samples::

    m <- beta_1 m + (1 - beta_1) g          v <- beta_2 v + (1 - beta_2) g^2
    theta <- theta - rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

References
----------
Kingma, D. and Ba, J. (2015). Adam: a method for stochastic optimization. ICLR.
"""

import numpy as np

from sklearn_obs.network import Network, Objective, loss, loss_and_gradient, sample_batches
from sklearn_obs.plan import AdamSettings
from sklearn_obs.retraining.outcome import Retrained, Watcher


@np.errstate(over="ignore", invalid="ignore")  # a point with overflow is not the best one
def adam(
    network: Network,
    trainable: np.ndarray,
    objective: Objective,
    *,
    epochs: int,
    tol: float,
    rng: np.random.Generator,
    settings: AdamSettings,
    watch: Watcher | None = None,
) -> Retrained:
    """Train for `epochs` epochs in shuffled mini-batches, or until the loss stops falling by `tol`.

    The loss on all samples is computed at the start and after each epoch, and the point where it is
    lowest is returned. These evaluations do not count as epochs.

    Parameters
    ----------
    network : Network
    trainable : ndarray of shape (n_parameters,), bool
        The parameters to train; all others stay as they are.
    objective : Objective
    epochs : int
    tol : float
        Training stops after more than `settings.n_iter_no_change` epochs in a row in which the loss
        has not fallen by `tol`.
    rng : numpy.random.Generator
        Shuffles the samples.
    settings : AdamSettings
    watch : callable, default=None
        Called with the trainable parameters and their gradient in each batch.

    Returns
    -------
    Retrained
    """
    beta_1, beta_2 = settings.beta_1, settings.beta_2
    theta = network.theta.copy()
    least, best = loss(network, objective), network.theta
    moving = network.with_theta(theta, copy=False)  # its arrays are views of theta
    (where,) = np.nonzero(trainable)
    x = theta[where]  # all arithmetic is in the network's dtype
    m, v, change = np.zeros_like(x), np.zeros_like(x), np.empty_like(x)
    n_penalised = np.searchsorted(where, network.layout.n_coefs)
    n_samples = objective.n_samples
    n_steps, n_epochs, n_stalled, best_loss = 0, 0, 0, np.inf
    while n_epochs < epochs and n_stalled <= settings.n_iter_no_change:
        shuffled, epoch_loss = rng.permutation(n_samples), 0.0
        for rows in sample_batches(n_samples, settings.batch_size):
            chosen = np.sort(shuffled[rows])
            share = objective.shares[chosen].sum()
            batch = Objective(
                objective.X[chosen], objective.y[chosen], objective.shares[chosen] / share, 0.0
            )
            value, g = loss_and_gradient(moving, batch)
            g = g[where].astype(x.dtype, copy=False)
            W = x[:n_penalised]
            g[:n_penalised] += objective.penalty * W
            if watch is not None:
                watch(x, g)
            epoch_loss += share * (value + 0.5 * objective.penalty * float(W @ W))
            n_steps += 1
            m *= beta_1
            m += (1 - beta_1) * g
            v *= beta_2
            g *= g
            v += (1 - beta_2) * g
            rate = settings.learning_rate * (1 - beta_2**n_steps) ** 0.5 / (1 - beta_1**n_steps)
            np.sqrt(v, out=change)
            change += settings.epsilon
            np.divide(m, change, out=change)
            x -= rate * change
            theta[where] = x
        n_epochs += 1
        now = loss(moving, objective)
        if now < least:
            least, best = now, theta.copy()
        n_stalled = n_stalled + 1 if epoch_loss > best_loss - tol else 0
        best_loss = min(best_loss, epoch_loss)
    return Retrained(network.with_theta(best), n_epochs, n_stalled > settings.n_iter_no_change)
