"""A multi-layer perceptron as a list of arrays: forward pass, loss and gradient.

With h_0 = X, the activation phi of the hidden layers, and layers l = 1, ..., L::

    z_l = h_{l-1} W_l + b_l        h_l = phi(z_l)        p = activate(z_L)

    f(theta) = sum_t v_t l(p_t, y_t) + constant + penalty / 2 sum_l |W_l|^2     (sum_t v_t = 1)

    delta_L = v (p - y)            delta_l = (delta_{l+1} W_{l+1}') phi'(z_l)
    df/dW_l = h_{l-1}' delta_l + penalty W_l          df/db_l = sum_t delta_l

theta is a flat vector: all W row by row, then all b, in the order ``coefs_ + intercepts_`` of
MLPClassifier. Everywhere in this library, a *flat index* is an index into theta.
"""

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import expit

from sklearn_obs.network.losses import activate, hessian_times, sample_losses

BATCH_SAMPLES = 4096  # samples computed at once; fixed boundaries make sums reproducible


def _relu(z):
    return np.maximum(z, 0, out=z)


# name -> (z -> phi(z), written over z; h -> phi'(z), computed from h = phi(z))
ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "logistic": (lambda z: expit(z, out=z), lambda h: h * (1 - h)),
    "tanh": (lambda z: np.tanh(z, out=z), lambda h: 1 - h**2),
    "relu": (_relu, lambda h: (h > 0).astype(h.dtype)),
}


@dataclass(frozen=True)
class Layout:
    """The shapes of a network's arrays, and the positions of its parameters in theta.

    A layout is known before training, so masks can be examined before there is a network.
    """

    units: tuple[int, ...]  # number of units in each layer, from the inputs to the outputs
    activation: str = "logistic"  # of the hidden units

    @cached_property
    def is_zero_without_inputs(self) -> bool:
        """Whether phi(0) = 0, so that a hidden unit without inputs and intercept is 0."""
        phi, _ = ACTIVATIONS[self.activation]
        return not phi(np.zeros(1))[0]

    @property
    def n_layers(self) -> int:
        """Number of layers of weights, which is one more than the number of hidden layers."""
        return len(self.units) - 1

    @cached_property
    def n_coefs(self) -> int:
        """Number of weights; the flat indices from this one on belong to intercepts."""
        return sum(a * b for a, b in itertools.pairwise(self.units))

    @cached_property
    def n_parameters(self) -> int:
        """Number of weights and intercepts."""
        return self.n_coefs + sum(self.units[1:])

    @cached_property
    def index(self) -> tuple[np.ndarray, ...]:
        """Flat indices of each layer's parameters, (fan_in + 1, fan_out); last row: intercepts."""
        coefs, intercepts = self.split(np.arange(self.n_parameters))
        return tuple(np.vstack([W, b]) for W, b in zip(coefs, intercepts, strict=True))

    def split(self, flat: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """(coefs, intercepts): two lists of views of a flat vector, in the shapes of the layers."""
        arrays, start = [], 0
        for shape in (*itertools.pairwise(self.units), *((n,) for n in self.units[1:])):
            size = math.prod(shape)
            arrays.append(flat[start : start + size].reshape(shape))
            start += size
        return arrays[: self.n_layers], arrays[self.n_layers :]

    def positions(self, keep: np.ndarray) -> np.ndarray:
        """For each flat index its position in `keep`, or -1; shape (n_parameters,)."""
        position = np.full(self.n_parameters, -1)
        position[keep] = np.arange(keep.size)
        return position


@dataclass(frozen=True)
class Network:
    """The weights, intercepts and activations of a network. Its arrays are never written to."""

    coefs: tuple[np.ndarray, ...]  # (fan_in, fan_out) for each layer
    intercepts: tuple[np.ndarray, ...]  # (fan_out,) for each layer
    activation: str  # of the hidden layers
    out_activation: str

    @cached_property
    def layout(self) -> Layout:
        """The shapes of the arrays, and the positions of the parameters in theta."""
        units = len(self.coefs[0]), *(b.size for b in self.intercepts)
        return Layout(units, self.activation)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of weights and intercepts."""
        return self.coefs[0].dtype

    @cached_property
    def theta(self) -> np.ndarray:
        """The flat vector of all parameters, of shape (n_parameters,)."""
        return np.concatenate([a.ravel() for a in (*self.coefs, *self.intercepts)])

    def astype(self, dtype) -> "Network":
        """The network converted to another dtype."""
        return replace(
            self,
            coefs=tuple(W.astype(dtype, copy=False) for W in self.coefs),
            intercepts=tuple(b.astype(dtype, copy=False) for b in self.intercepts),
        )

    def with_theta(self, theta: np.ndarray, copy: bool = True) -> "Network":
        """The network with the parameters `theta`; they may be views of it if not `copy`."""
        coefs, intercepts = self.layout.split(theta.astype(self.dtype, copy=copy))
        return replace(self, coefs=tuple(coefs), intercepts=tuple(intercepts))


@dataclass(frozen=True)
class Objective:
    """The function f that is minimised: data, shares of the samples in the mean, and penalty."""

    X: Any  # (n, n_features) ndarray or CSR
    y: np.ndarray  # (n, n_outputs) targets: labels, or mixed with outputs (see `distillation`)
    shares: np.ndarray  # (n,) v; they sum to 1
    penalty: float
    labels: np.ndarray | None = None  # (n, n_outputs), None if they are not known
    constant: float = 0.0  # added to the mean loss

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.X.shape[0]


def forward(network, X):
    """Compute the values [h_0 = X, h_1, ..., p] of all layers for the samples X."""
    return _forward(network, X)[0]


def _forward(network, X):
    """The values of all layers, and whether z_L is finite: saturated outputs do not show it."""
    phi, _ = ACTIVATIONS[network.activation]
    values = [X]
    for layer, (W, b) in enumerate(zip(network.coefs, network.intercepts, strict=True), start=1):
        z = values[-1] @ W
        z += b
        if layer < network.layout.n_layers:
            values.append(phi(z))
    finite = bool(np.isfinite(z).all())
    p = activate(network.out_activation, z)
    if network.out_activation == "exp":  # exp may overflow for a finite z
        finite = bool(np.isfinite(p).all())
    return [*values, p], finite


def backward(network, values, delta):
    """Compute [delta_1, ..., delta_L] from delta_L: (n, n_outputs) or (n, K, n_outputs)."""
    _, slope = ACTIVATIONS[network.activation]
    deltas = [delta]
    for W, h in zip(network.coefs[:0:-1], values[-2:0:-1], strict=True):
        phi_prime = slope(h)
        if delta.ndim == 3:
            phi_prime = phi_prime[:, None, :]
        deltas.append((deltas[-1] @ W.T) * phi_prime)
    return deltas[::-1]


def sample_batches(n_samples, batch_samples=BATCH_SAMPLES):
    """Consecutive slices of at most `batch_samples` samples each."""
    return [slice(i, min(i + batch_samples, n_samples)) for i in range(0, n_samples, batch_samples)]


@dataclass(frozen=True)
class Losses:
    """The losses of a network on the samples of an objective; infinite if numbers overflow."""

    objective: float  # f
    label: float  # mean loss against the labels alone, without penalty; nan without labels


def loss(network, objective):
    """Compute f, in nats or, for regression, squared units of y; infinite if numbers overflow."""
    return evaluate(network, replace(objective, labels=None)).objective


def evaluate(network: Network, objective: Objective) -> Losses:
    """Compute f and the loss against the labels in one pass over the samples."""
    total = penalty_of(network, objective) + objective.constant
    y, labels = objective.y, objective.labels
    label = np.nan if labels is None else 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # the caller handles losses of inf
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
    """Compute f and its gradient df/dtheta, of shape (n_parameters,).

    The gradient is float64 if it is a sum over several batches, and has the network's dtype if
    there is one batch. If the outputs overflow, f is infinite and the gradient 0.
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
    """Write sum_t J_t' last_t into `coefs` and `intercepts`, or add it to them."""
    for layer, delta in enumerate(backward(network, values, last)):
        if add:
            coefs[layer] += values[layer].T @ delta
            intercepts[layer] += delta.sum(axis=0)
        else:
            coefs[layer][:] = values[layer].T @ delta
            intercepts[layer][:] = delta.sum(axis=0)


def gauss_newton_times(network, values, shares, direction):
    """Compute sum_t v_t J_t' (d2l/dz2) J_t d for the samples whose layers have these `values`.

    The direction d consists of (V_l, c_l) for each layer. With R{.} the derivative along d::

        R{z_l} = h_{l-1} V_l + c_l + R{h_{l-1}} W_l        R{h_l} = phi'(z_l) R{z_l}

    Then v (d2l/dz2) R{z_L} is backpropagated in place of the residual. This takes about as long as
    a gradient: twice a forward pass, and a backward pass.

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
    """The penalty term of f."""
    if not objective.penalty:
        return 0.0
    squares = sum(float(np.vdot(W, W)) for W in network.coefs)
    return 0.5 * objective.penalty * squares


def constant_loss(network: Network, objective: Objective) -> float:
    """The least loss, without penalty, of outputs that are the same in every sample.

    It is the loss against the labels if they are known, and against the targets otherwise.
    """
    y = objective.y if objective.labels is None else objective.labels
    p = np.broadcast_to(objective.shares @ y, y.shape)
    return float(objective.shares @ sample_losses(network.out_activation, p, y))


def mean_objective(X, y, sample_weight, *, alpha, step_samples):
    """Make the objective that scikit-learn's solver minimises in steps of `step_samples` samples.

    scikit-learn divides alpha |W|^2 / 2 by the summed sample weight of a step, which is all samples
    for lbfgs, and a batch for adam and sgd. Hence penalty = alpha / (step_samples times the mean
    sample weight).
    """
    total = sample_weight.sum()
    penalty = alpha * X.shape[0] / (step_samples * total)
    return Objective(X, y, sample_weight / total, penalty, labels=y)
