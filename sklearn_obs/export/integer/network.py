"""A network in whole numbers, and what it computes: the reference for the C.

With B the intercept, z the weights and q the inputs of a unit, all of them whole numbers::

    sum_j = B_j + sum_i z_ij q_i          h_j = phi(sum_j M_j)

Where phi is relu or the identity, sum_j M_j is a multiplication and a shift (see `multipliers`),
and what is beyond the range of eight bits stays at its ends. Where it bends, sum_j M_j is the
argument of a table, with straight lines between its values.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_obs.export.integer.inputs import Inputs
from sklearn_obs.export.integer.multipliers import times
from sklearn_obs.export.integer.storage import stored_inputs, stored_layer

RANGE = {"relu": (0, 255), "logistic": (0, 255), "identity": (-127, 127), "tanh": (-127, 127)}
INTERVALS, FINE = 64, 128  # of a table, and steps of its argument in each of them


@dataclass(frozen=True)
class IntegerLayer:
    """The units of one layer."""

    weights: np.ndarray  # (fan_in, fan_out): z
    intercepts: np.ndarray  # (fan_out,): B
    shift: int  # of sums before they are multiplied
    factors: np.ndarray | None  # (fan_out,), uint16: of sums; None where they are the outputs
    phi: str  # of hidden units; 'identity' without a range for outputs
    table: np.ndarray | None  # (INTERVALS + 1,): phi where it bends

    def sums(self, q):
        """What the units sum up, (n_samples, fan_out)."""
        return q @ self.weights + self.intercepts

    def of(self, q, last):
        """The whole numbers of the units for those of their inputs."""
        z = self.sums(q)
        if self.factors is None:
            return z
        z = times(z >> self.shift, self.factors)
        if last:
            return z
        if self.table is None:
            return np.clip(z, *RANGE[self.phi])
        middle = INTERVALS * FINE // 2
        z = np.clip(z, -middle, middle - 1) + middle
        left, part = z // FINE, z % FINE
        return (self.table[left] * (FINE - part) + self.table[left + 1] * part + FINE // 2) // FINE


@dataclass(frozen=True)
class IntegerNetwork:
    """What a device computes."""

    inputs: Inputs
    layers: list[IntegerLayer]  # those that have a say
    n_layers: int  # all of them
    n_bits: int
    output_steps: np.ndarray  # (n_outputs,): what a step of each output is worth
    fraction_bits: np.ndarray | None  # (n_outputs,): f of a regression

    @property
    def n_weights(self):
        """Weights that are not 0."""
        return sum(int(np.count_nonzero(layer.weights)) for layer in self.layers)

    @property
    def layer_bytes(self):
        """Bytes of the constants of each layer in C; those of columns are in the first."""
        parts = [stored_layer(layer, self.n_bits).arrays for layer in self.layers]
        n_bytes = [sum(array.nbytes for array in arrays.values()) for arrays in parts]
        of_inputs = stored_inputs(self.inputs).arrays.values()
        n_bytes[0] += sum(array.nbytes for array in of_inputs)
        return [0] * (self.n_layers - len(self.layers)) + n_bytes

    @property
    def columns_read(self):
        """Which columns of X have a say, in their order."""
        used = self.layers[0].weights.any(axis=1)
        return np.unique(self.inputs.source[used])

    def samples(self, X, n_features):
        """X in the numbers of the inputs, (n_samples, n_features).

        Raises
        ------
        ValueError
            If it has another number of columns, or numbers that their dtype has not.
        """
        return self.inputs.samples(X, n_features)

    def values(self, net, X):
        """What the functions in C put out for a regression, in the type that they have there."""
        return self.outputs(self.samples(X, net.n_features)).astype(np.int32)

    def predict(self, net, X):
        """What the folded model `net` predicts in these numbers."""
        z = self.outputs(self.samples(X, net.n_features))
        if self.fraction_bits is None:
            return net.predicted(z, 0)
        y = np.ldexp(z.astype(float), -self.fraction_bits)
        return net.predicted(np.exp(y) if net.network.out_activation == "exp" else y, 0)

    def outputs(self, X):
        """The outputs before their activation for samples of the inputs' dtype, in whole numbers.

        (n_samples, n_outputs), int64.
        """
        q = self.inputs.of(X)
        for layer in self.layers:
            q = layer.of(q, layer is self.layers[-1])
        return q
