"""Small random networks with data that fits them."""

import itertools

import numpy as np

from sklearn_obs.network import Network
from sklearn_obs.pruning import Problem, Scope


def random_network(activation, out, hidden, n_samples=17, n_inputs=6, n_outputs=3, seed=0):
    """A network, X, y and the shares of the samples, which sum to 1."""
    rng = np.random.default_rng(seed)
    units = (n_inputs, *hidden, n_outputs)
    network = Network(
        tuple(rng.normal(size=shape) / np.sqrt(shape[0]) for shape in itertools.pairwise(units)),
        tuple(rng.normal(scale=0.3, size=n) for n in units[1:]),
        activation,
        out,
    )
    X = rng.normal(size=(n_samples, n_inputs))
    y = {
        "softmax": lambda: np.eye(n_outputs)[rng.integers(n_outputs, size=n_samples)],
        "logistic": lambda: rng.integers(2, size=(n_samples, n_outputs)).astype(float),
        "identity": lambda: rng.normal(size=(n_samples, n_outputs)),
        "exp": lambda: rng.poisson(2, size=(n_samples, n_outputs)).astype(float),
    }[out]()
    shares = rng.dirichlet(np.ones(n_samples))
    return network, X, y, shares


def problem_of(network, objective, plan, *, mask=None, seed=0):
    """What all rounds of a pruning run of this network share."""
    scope = Scope.of(network.layout, plan, objective.X, mask, network.dtype)
    return Problem(scope, objective, seed)
