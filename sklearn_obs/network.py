"""A multi-layer perceptron as a list of arrays: forward, loss and gradient.

Layer by layer, with h_0 = X and phi the activation of the hidden layers::

    z_l = h_{l-1} W_l + b_l        h_l = phi(z_l)        p = activate(z_L)

    f(theta) = sum_t v_t l(p_t, y_t) + penalty / 2 sum_l |W_l|^2          (sum_t v_t = 1)

    delta_L = v (p - y)            delta_l = (delta_{l+1} W_{l+1}') phi'(z_l)
    df/dW_l = h_{l-1}' delta_l + penalty W_l          df/db_l = sum_t delta_l

theta is flat: all W row by row, then all b, in MLPClassifier's order ``coefs_ + intercepts_``. A
*flat index* anywhere in this library counts in theta.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import expit

from sklearn_obs.losses import activate, hessian_times, row_losses

BATCH_ROWS = (
    4096  # rows of a full-batch pass held at once; boundaries fixed, so sums are repeatable
)


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
class Network:
    """Weights and intercepts with the names of their activations. Arrays are never written."""

    coefs: tuple[np.ndarray, ...]  # per layer (fan_in, fan_out)
    intercepts: tuple[np.ndarray, ...]  # per layer (fan_out,)
    activation: str  # of the hidden layers
    out_activation: str

    @property
    def n_layers(self):
        """Layers of weights: one more than hidden layers."""
        return len(self.coefs)

    @cached_property
    def n_coefs(self):
        """Weights; flat indices from here on are intercepts."""
        return sum(W.size for W in self.coefs)

    @cached_property
    def n_parameters(self):
        """Weights and intercepts."""
        return self.n_coefs + sum(b.size for b in self.intercepts)

    @cached_property
    def theta(self):
        """All parameters, of shape (n_parameters,)."""
        return np.concatenate([a.ravel() for a in (*self.coefs, *self.intercepts)])

    @cached_property
    def index(self):
        """Per layer the flat indices of its parameters, (fan_in + 1, fan_out), intercepts last."""
        coefs, intercepts = self.split(np.arange(self.n_parameters))
        return tuple(np.vstack([W, b]) for W, b in zip(coefs, intercepts, strict=True))

    def split(self, flat):
        """A flat vector as (coefs, intercepts): two lists of views in the layers' shapes."""
        arrays, start = [], 0
        for a in (*self.coefs, *self.intercepts):
            arrays.append(flat[start : start + a.size].reshape(a.shape))
            start += a.size
        return arrays[: self.n_layers], arrays[self.n_layers :]

    def astype(self, dtype):
        """The same network in another dtype."""
        return replace(
            self,
            coefs=tuple(W.astype(dtype, copy=False) for W in self.coefs),
            intercepts=tuple(b.astype(dtype, copy=False) for b in self.intercepts),
        )

    def with_theta(self, theta, copy=True):
        """The same network with other parameters, in its own dtype; views of `theta` at will."""
        coefs, intercepts = self.split(theta.astype(self.coefs[0].dtype, copy=copy))
        return replace(self, coefs=tuple(coefs), intercepts=tuple(intercepts))


@dataclass(frozen=True)
class Objective:
    """f: the data, the share of each row and the penalty."""

    X: object  # (n, n_features) ndarray or CSR
    y: np.ndarray  # (n, n_outputs)
    row_weight: np.ndarray  # (n,), sums to 1
    penalty: float


def forward(network, X):
    """[h_0 = X, h_1, ..., p]: the values of all layers for the rows of X."""
    phi, _ = ACTIVATIONS[network.activation]
    values = [X]
    for layer, (W, b) in enumerate(zip(network.coefs, network.intercepts, strict=True), start=1):
        z = values[-1] @ W
        z += b
        last = layer == network.n_layers
        values.append(activate(network.out_activation, z) if last else phi(z))
    return values


def backward(network, values, delta):
    """[delta_1, ..., delta_L] from delta_L, of shape (..., n_outputs) with rows first."""
    _, slope = ACTIVATIONS[network.activation]
    deltas = [delta]
    for W, h in zip(network.coefs[:0:-1], values[-2:0:-1], strict=True):
        phi_prime = slope(h)
        if delta.ndim == 3:
            phi_prime = phi_prime[:, None, :]
        deltas.append((deltas[-1] @ W.T) * phi_prime)
    return deltas[::-1]


def row_batches(n_rows, batch_rows=BATCH_ROWS):
    """Slices of at most `batch_rows` rows, in order."""
    return [slice(i, min(i + batch_rows, n_rows)) for i in range(0, n_rows, batch_rows)]


def loss(network, objective):
    """f, in nats (in squared units of y for regression)."""
    total = _penalty(network, objective)
    for rows in row_batches(objective.X.shape[0]):
        p = forward(network, objective.X[rows])[-1]
        l_rows = row_losses(network.out_activation, p, objective.y[rows])
        total += float(objective.row_weight[rows] @ l_rows)
    return total


def loss_and_gradient(network, objective):
    """f and df/dtheta, of shape (n_parameters,): in float64 where it is a sum over batches.

    With no more than one batch of rows it has the network's own dtype.
    """
    total = _penalty(network, objective)
    batches = row_batches(objective.X.shape[0])
    dtype = network.coefs[0].dtype
    gradient = np.empty(network.n_parameters, np.float64 if len(batches) > 1 else dtype)
    coefs, intercepts = network.split(gradient)
    for rows in batches:
        y, v = objective.y[rows], objective.row_weight[rows]
        values = forward(network, objective.X[rows])
        total += float(v @ row_losses(network.out_activation, values[-1], y))
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


def gauss_newton_times(network, values, row_weight, direction):
    """sum_t v_t J_t' (d2l/dz2) J_t d for the rows with these `values` of all layers.

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
    V, c = network.split(direction.astype(dtype, copy=False))
    r_z = values[0] @ V[0]
    r_z += c[0]
    for layer in range(1, network.n_layers):
        r_h = slope(values[layer]) * r_z
        r_z = r_h @ network.coefs[layer]
        r_z += values[layer] @ V[layer]
        r_z += c[layer]
    last = hessian_times(network.out_activation, values[-1], r_z) * row_weight[:, None]
    product = np.empty(network.n_parameters, dtype)
    _pull_back(network, values, last.astype(dtype, copy=False), *network.split(product), add=False)
    return product


def _penalty(network, objective):
    if not objective.penalty:
        return 0.0
    squares = sum(float(np.vdot(W, W)) for W in network.coefs)
    return 0.5 * objective.penalty * squares


def mean_objective(X, y, sample_weight, *, alpha, batch_rows):
    """The objective that scikit-learn's dense solver minimises with steps of `batch_rows` rows.

    It divides alpha |W|^2 / 2 by the summed sample weight of a step: of all rows for lbfgs, of a
    batch for adam and sgd. Hence penalty = alpha / (batch_rows times the mean sample weight).
    """
    total = sample_weight.sum()
    penalty = alpha * X.shape[0] / (batch_rows * total)
    return Objective(X, y, sample_weight / total, penalty)
