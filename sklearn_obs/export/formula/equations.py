"""A folded network as equations: one for each remaining unit, and one for each output.

h = phi(b + sum_k w_k x_k)
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_TERMS = 500  # longer formulae are too long to read


@dataclass(frozen=True)
class Equation:
    """The equation of one unit."""

    name: str  # h1, h2_3, z1
    phi: str  # the name of its activation
    intercept: float
    terms: list[tuple[float, str]]  # (weight, name of the unit or column that it multiplies)


@dataclass(frozen=True)
class Equations:
    """The equations of a whole network."""

    hidden: list[Equation]
    outputs: list[Equation]
    inputs: dict[str, int]  # for each column that is read: its name and its index in X
    kind: str  # `kind` of `Folded`
    exponentials: bool  # whether outputs of a regression are exponentials
    classes: list[str] | None
    target: str  # the name for the outputs of a regression
    score: str  # the name for the linear parts of a classifier's outputs


def equations_of(net: Any, feature_names: list[str], classes: list[str] | None) -> Equations:
    """Make the equations of a `Folded` network.

    Raises
    ------
    ValueError
        If there are more than `MOST_TERMS` terms, or no names for units are free.
    """
    n_terms = sum(int(np.count_nonzero(W)) for W in net.network.coefs)
    if n_terms > MOST_TERMS:
        raise ValueError(
            f"Got a network of {n_terms:,} weights, but a formula of more than {MOST_TERMS} is too "
            "long to read. Prune further, or use export_c for a program."
        )
    h, z = _free(("h", "unit", "hidden_unit"), feature_names), _free(("z", "score"), feature_names)
    layers = list(zip(net.network.coefs, net.network.intercepts, strict=True))
    below, hidden = feature_names, []
    for number, (W, b) in enumerate(layers[:-1], start=1):
        layer = f"{h}{number}_" if len(layers) > 2 else h
        names = [f"{layer}{unit + 1}" for unit in net.units[number - 1]]
        hidden += _equations(names, net.network.activation, W, b, below)
        below = names
    W, b = layers[-1]
    names = [z] if W.shape[1] == 1 else [f"{z}{j + 1}" for j in range(W.shape[1])]
    outputs = _equations(names, "identity", W, b, below)
    used = {name for equation in (*hidden, *outputs) for _, name in equation.terms}
    hidden = [equation for equation in hidden if equation.name in used]  # layers keep one
    read = np.flatnonzero((net.network.coefs[0] != 0).any(axis=1))
    inputs = {feature_names[j]: int(j) for j in read}
    exponentials = net.network.out_activation == "exp"
    target = _free(("y", "prediction", "output"), feature_names)
    return Equations(hidden, outputs, inputs, net.kind, exponentials, classes, target, z)


def _free(prefixes, taken):
    """The first of the prefixes that does not look like the name of a column."""
    for prefix in prefixes:
        if not any(re.fullmatch(rf"{prefix}[\d_]*", name) for name in taken):
            return prefix
    raise ValueError(
        f"Got feature_names that look like those of units ({', '.join(prefixes)}). Choose others."
    )


def _equations(names, phi, W, b, below):
    return [
        Equation(
            name,
            phi,
            float(b[j]),
            [(float(W[i, j]), below[i]) for i in np.flatnonzero(W[:, j])],
        )
        for j, name in enumerate(names)
    ]
