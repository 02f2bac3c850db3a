"""Losses of the output layer: their values, gradients and roots of the Hessian, all in z.

For one sample, z is the linear part of the output layer and y the target::

    softmax    p = exp(z) / sum exp(z)     l = -sum y log p
    logistic   p = 1 / (1 + exp(-z))       l = -sum (y log p + (1 - y) log(1 - p))
    identity   p = z                       l = 1/2 sum (p - y)^2
    exp        p = exp(z)                  l = sum p - y log p + y log y - y

The last is half the Poisson deviance. In all four, activation and loss are a canonical pair:
dl/dz = p - y, and d2l/dz2 = R'R does not depend on y. The rows of R are::

    softmax    r_k = sqrt(p_k) (e_k - p)   since sum_k r_k r_k' = diag(p) - p p'
    logistic   r_k = sqrt(p_k (1 - p_k)) e_k
    identity   r_k = e_k
    exp        r_k = sqrt(p_k) e_k

Sums are over outputs. For a squared error, scikit-learn reports the *mean* over outputs, but uses
the gradient of the sum. Here both belong to the sum.
"""

import numpy as np
from scipy.special import expit, xlogy


def activate(name, z):
    """Compute the outputs p, of shape (n, n_outputs), written over z."""
    if name == "softmax":
        np.exp(z - z.max(axis=1, keepdims=True), out=z)
        z /= z.sum(axis=1)[:, None]
    elif name == "logistic":
        expit(z, out=z)
    elif name == "exp":
        with np.errstate(over="ignore"):  # callers check whether p is finite
            np.exp(z, out=z)
    return z


def sample_losses(name, p, y):
    """Compute l for each sample, of shape (n,).

    It is in nats (identity: squared units of y; exp: units of y). As in scikit-learn, probabilities
    are kept one rounding error away from 0 and 1.
    """
    if name == "identity":
        return 0.5 * ((p - y) ** 2).sum(axis=1)
    if name == "exp":
        least = np.finfo(p.dtype).tiny  # used in place of p = 0, whose logarithm is infinite
        return (p - xlogy(y, np.maximum(p, least)) + poisson_constants(y)).sum(axis=1)
    eps = np.finfo(p.dtype).eps
    p = np.clip(p, eps, 1 - eps)
    loss = xlogy(y, p)
    if name == "logistic":
        loss += xlogy(1 - y, 1 - p)
    return -loss.sum(axis=1)


def poisson_constants(y):
    """The part of the Poisson loss that does not depend on p: with it, the loss is 0 at p = y."""
    return xlogy(y, y) - y


def hessian_root(name, p):
    """R for each sample, of shape (n, n_outputs, n_outputs), with r_k as its rows."""
    n_outputs = p.shape[1]
    R = np.broadcast_to(np.eye(n_outputs, dtype=p.dtype), (len(p), n_outputs, n_outputs))
    if name == "softmax":
        return np.sqrt(p)[:, :, None] * (R - p[:, None, :])
    if name == "logistic":
        return np.sqrt(p * (1 - p))[:, :, None] * R
    if name == "exp":
        return np.sqrt(p)[:, :, None] * R
    return R


def hessian_times(name, p, r):
    """Compute (d2l/dz2) r for each sample, of shape (n, n_outputs)."""
    if name == "softmax":
        return p * (r - (p * r).sum(axis=1)[:, None])
    if name == "logistic":
        return p * (1 - p) * r
    return p * r if name == "exp" else r


def equal_losses(name, y):
    """The losses of samples, (n_samples,), if all classes are equally likely; 0 for numbers."""
    if name not in ("softmax", "logistic"):
        return np.zeros(len(y))
    p = 1 / y.shape[1] if name == "softmax" else 0.5
    return sample_losses(name, np.full_like(y, p), y)
