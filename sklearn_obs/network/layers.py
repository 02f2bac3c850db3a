"""A multi-layer perceptron as a list of arrays: forward, loss and gradient.

Layer by layer, with h_0 = X and phi the activation of the hidden layers::

    z_l = h_{l-1} W_l + b_l        h_l = phi(z_l)        p = activate(z_L)

    f(theta) = sum_t v_t l(p_t, y_t) + constant + penalty / 2 sum_l |W_l|^2     (sum_t v_t = 1)

    delta_L = v (p - y)            delta_l = (delta_{l+1} W_{l+1}') phi'(z_l)
    df/dW_l = h_{l-1}' delta_l + penalty W_l          df/db_l = sum_t delta_l

theta is flat: all W row by row, then all b, in MLPClassifier's order ``coefs_ + intercepts_``. A
*flat index* anywhere in this library counts in theta.
"""

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import expit

from sklearn_obs.network.losses import activate, hessian_times, sample_losses

BATCH_SAMPLES = 4096  # of a full-batch pass held at once; boundaries fixed, so sums are repeatable


def _relu(z):
    return np.maximum(z, 0, out=z)


# name -> phi, written over z, and phi' from h = phi(z)
ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "logistic": (lambda z: expit(z, out=z), lambda h: h * (1 - h)),
    "tanh": (lambda z: np.tanh(z, out=z), lambda h: 1 - h**2),
    "relu": (_relu, lambda h: (h > 0).astype(h.dtype)),
}


@dataclass(frozen=True)
class Layout:
    """The shapes of a network's arrays, and where its parameters stand in theta.

    It is known before there is a network, so that masks can be asked about ahead of training.
    """

    units: tuple[int, ...]  # of each layer of units: inputs first, outputs last
    activation: str = "logistic"  # of the hidden units

    @cached_property
    def is_zero_without_inputs(self) -> bool:
        """Whether a hidden unit without inputs and without an intercept is 0: phi(0) = 0."""
        phi, _ = ACTIVATIONS[self.activation]
        return not phi(np.zeros(1))[0]

    @property
    def n_layers(self) -> int:
        """Layers of weights: one more than hidden layers."""
        return len(self.units) - 1

    @cached_property
    def n_coefs(self) -> int:
        """The number of weights; flat indices from here on are intercepts."""
        return sum(a * b for a, b in itertools.pairwise(self.units))

    @cached_property
    def n_parameters(self) -> int:
        """The number of weights and intercepts."""
        return self.n_coefs + sum(self.units[1:])

    @cached_property
    def index(self) -> tuple[np.ndarray, ...]:
        """Per layer the flat indices of its parameters, (fan_in + 1, fan_out), intercepts last."""
        coefs, intercepts = self.split(np.arange(self.n_parameters))
        return tuple(np.vstack([W, b]) for W, b in zip(coefs, intercepts, strict=True))

    def split(self, flat: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """A flat vector as (coefs, intercepts): two lists of views in the layers' shapes."""
        arrays, start = [], 0
        for shape in (*itertools.pairwise(self.units), *((n,) for n in self.units[1:])):
            size = math.prod(shape)
            arrays.append(flat[start : start + size].reshape(shape))
            start += size
        return arrays[: self.n_layers], arrays[self.n_layers :]

    def positions(self, keep: np.ndarray) -> np.ndarray:
        """Flat index -> position among the flat indices `keep`, -1 where it is not among them."""
        position = np.full(self.n_parameters, -1)
        position[keep] = np.arange(keep.size)
        return position


@dataclass(frozen=True)
class Network:
    """Weights and intercepts with the names of their activations. Arrays are never written."""

    coefs: tuple[np.ndarray, ...]  # per layer (fan_in, fan_out)
    intercepts: tuple[np.ndarray, ...]  # per layer (fan_out,)
    activation: str  # of the hidden layers
    out_activation: str

    @cached_property
    def layout(self) -> Layout:
        """The shapes of the arrays, and where the parameters stand in theta."""
        units = len(self.coefs[0]), *(b.size for b in self.intercepts)
        return Layout(units, self.activation)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of weights and intercepts."""
        return self.coefs[0].dtype

    @cached_property
    def theta(self) -> np.ndarray:
        """All parameters, of shape (n_parameters,)."""
        return np.concatenate([a.ravel() for a in (*self.coefs, *self.intercepts)])

    def astype(self, dtype) -> "Network":
        """The same network in another dtype."""
        return replace(
            self,
            coefs=tuple(W.astype(dtype, copy=False) for W in self.coefs),
            intercepts=tuple(b.astype(dtype, copy=False) for b in self.intercepts),
        )

    def with_theta(self, theta: np.ndarray, copy: bool = True) -> "Network":
        """The same network with other parameters, in its own dtype; views of `theta` at will."""
        coefs, intercepts = self.layout.split(theta.astype(self.dtype, copy=copy))
        return replace(self, coefs=tuple(coefs), intercepts=tuple(intercepts))


@dataclass(frozen=True)
class Objective:
    """f: the data, the share of each sample in the mean, and the penalty."""

    X: Any  # (n, n_features) ndarray or CSR
    y: np.ndarray  # (n, n_outputs) targets: labels, or what a network put out (`distillation`)
    shares: np.ndarray  # (n,), sum to 1
    penalty: float
    labels: np.ndarray | None = None  # (n, n_outputs), where they are known
    constant: float = 0.0  # of the mean loss

    @property
    def n_samples(self) -> int:
        """How many samples there are."""
        return self.X.shape[0]


def forward(network, X):
    """[h_0 = X, h_1, ..., p]: the values of all layers for the samples X."""
    return _forward(network, X)[0]


def _forward(network, X):
    """The same, and whether the outputs' linear part is finite, which saturated outputs hide."""
    phi, _ = ACTIVATIONS[network.activation]
    values = [X]
    for layer, (W, b) in enumerate(zip(network.coefs, network.intercepts, strict=True), start=1):
        z = values[-1] @ W
        z += b
        if layer < network.layout.n_layers:
            values.append(phi(z))
    finite = bool(np.isfinite(z).all())
    p = activate(network.out_activation, z)
    if network.out_activation == "exp":  # which hides nothing, and overflows by itself
        finite = bool(np.isfinite(p).all())
    return [*values, p], finite


def backward(network, values, delta):
    """[delta_1, ..., delta_L] from delta_L, of shape (..., n_outputs) with samples first."""
    _, slope = ACTIVATIONS[network.activation]
    deltas = [delta]
    for W, h in zip(network.coefs[:0:-1], values[-2:0:-1], strict=True):
        phi_prime = slope(h)
        if delta.ndim == 3:
            phi_prime = phi_prime[:, None, :]
        deltas.append((deltas[-1] @ W.T) * phi_prime)
    return deltas[::-1]


def sample_batches(n_samples, batch_samples=BATCH_SAMPLES):
    """Slices of at most `batch_samples` samples, in order."""
    return [slice(i, min(i + batch_samples, n_samples)) for i in range(0, n_samples, batch_samples)]


@dataclass(frozen=True)
class Losses:
    """What a network comes to on the samples of an objective; infinite where numbers overflow."""

    objective: float  # f
    label: float  # mean loss against the labels alone, no penalty; nan where they are not known


def loss(network, objective):
    """f, in nats (in squared units of y for regression); infinite where numbers overflow."""
    return evaluate(network, replace(objective, labels=None)).objective


def evaluate(network: Network, objective: Objective) -> Losses:
    """f and the loss against the labels, from one pass over the samples."""
    total = penalty_of(network, objective) + objective.constant
    y, labels = objective.y, objective.labels
    label = np.nan if labels is None else 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # it is the caller's to refuse the network
        for rows in sample_batches(objective.n_samples):
            (*_, p), finite = _forward(network, objective.X[rows])
            if not finite:
                return Losses(np.inf, label + np.inf)
            v = objective.shares[rows]
            here = float(v @ sample_losses(network.out_activation, p, y[rows]))
            total += here
            if labels is not None:
                if labels is not y:
                    here = float(v @ sample_losses(network.out_activation, p, labels[rows]))
                label += here
    return Losses(total, label)


def loss_and_gradient(network, objective):
    """f and df/dtheta, of shape (n_parameters,): in float64 where it is a sum over batches.

    With no more than one batch of samples it has the network's own dtype. Where the outputs
    overflow, f is infinite and the gradient 0.
    """
    total = penalty_of(network, objective) + objective.constant
    batches = sample_batches(objective.n_samples)
    dtype = network.coefs[0].dtype
    gradient = np.empty(network.layout.n_parameters, np.float64 if len(batches) > 1 else dtype)
    coefs, intercepts = network.layout.split(gradient)
    for rows in batches:
        y, v = objective.y[rows], objective.shares[rows]
        values, finite = _forward(network, objective.X[rows])
        if not finite:
            return np.inf, np.zeros_like(gradient)
        total += float(v @ sample_losses(network.out_activation, values[-1], y))
        last = ((values[-1] - y) * v[:, None]).astype(dtype, copy=False)
        _pull_back(network, values, last, coefs, intercepts, add=bool(rows.start))
    if objective.penalty:
        for gradient_W, W in zip(coefs, network.coefs, strict=True):
            gradient_W += objective.penalty * W
    return total, gradient


def _pull_back(network, values, last, coefs, intercepts, add):
    """Write, or add, sum_t J_t' last_t into arrays of the layers' shapes."""
    for layer, delta in enumerate(backward(network, values, last)):
        if add:
            coefs[layer] += values[layer].T @ delta
            intercepts[layer] += delta.sum(axis=0)
        else:
            coefs[layer][:] = values[layer].T @ delta
            intercepts[layer][:] = delta.sum(axis=0)


def gauss_newton_times(network, values, shares, direction):
    """sum_t v_t J_t' (d2l/dz2) J_t d for the samples with these `values` of all layers.

    With d = (V, c) layer by layer, R{.} the derivative along d::

        R{z_l} = h_{l-1} V_l + c_l + R{h_{l-1}} W_l        R{h_l} = phi'(z_l) R{z_l}

    then back with v (d2l/dz2) R{z_L} in place of the residual: what a gradient costs, or twice a
    forward pass and a backward pass.

    References
    ----------
    Schraudolph, N. (2002). Fast curvature matrix-vector products for second-order gradient descent.
    Neural Computation 14.
    """
    _, slope = ACTIVATIONS[network.activation]
    dtype = network.coefs[0].dtype
    V, c = network.layout.split(direction.astype(dtype, copy=False))
    r_z = values[0] @ V[0]
    r_z += c[0]
    for layer in range(1, network.layout.n_layers):
        r_h = slope(values[layer]) * r_z
        r_z = r_h @ network.coefs[layer]
        r_z += values[layer] @ V[layer]
        r_z += c[layer]
    last = hessian_times(network.out_activation, values[-1], r_z) * shares[:, None]
    product = np.empty(network.layout.n_parameters, dtype)
    _pull_back(
        network, values, last.astype(dtype, copy=False), *network.layout.split(product), add=False
    )
    return product


def penalty_of(network: Network, objective: Objective) -> float:
    """The part of f that is the penalty."""
    if not objective.penalty:
        return 0.0
    squares = sum(float(np.vdot(W, W)) for W in network.coefs)
    return 0.5 * objective.penalty * squares


def constant_loss(network: Network, objective: Objective) -> float:
    """The least loss, without penalty, of outputs that are the same in every sample.

    Against the labels, where they are known.
    """
    y = objective.y if objective.labels is None else objective.labels
    p = np.broadcast_to(objective.shares @ y, y.shape)
    return float(objective.shares @ sample_losses(network.out_activation, p, y))


def mean_objective(X, y, sample_weight, *, alpha, step_samples):
    """The objective that scikit-learn's solver minimises with steps of `step_samples` samples.

    It divides alpha |W|^2 / 2 by the summed sample weight of a step: of all samples for lbfgs, of a
    batch for adam and sgd. Hence penalty = alpha / (step_samples times the mean sample weight).
    """
    total = sample_weight.sum()
    penalty = alpha * X.shape[0] / (step_samples * total)
    return Objective(X, y, sample_weight / total, penalty, labels=y)
