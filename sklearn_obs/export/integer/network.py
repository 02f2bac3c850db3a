"""A network in whole numbers, and what it computes: the reference for the C.

With the weights z, inputs q and the intercept B of a unit, all of them whole numbers::

    v_j = floor(M_j sum_i z_ij q_i) + B_j          h_j = phi(v_j)

The product is a multiplication and a shift (see `multipliers`). v_j counts fine steps, 2^k of which
are one step of h_j. Where phi is relu or the identity, h_j is floor(v_j / 2^k), and what is beyond
the range of eight bits stays at its ends. Where it bends, v_j is the argument of a table with
straight lines between its values, 2^k fine steps apart. Outputs are v_j itself.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_obs.export.integer.inputs import Inputs
from sklearn_obs.export.integer.multipliers import times
from sklearn_obs.export.integer.storage import stored_inputs, stored_layer

RANGE = {"relu": (0, 255), "logistic": (0, 255), "identity": (-127, 127), "tanh": (-127, 127)}
INTERVALS = 64  # of a table


@dataclass(frozen=True)
class IntegerLayer:
    """The units of one layer."""

    weights: np.ndarray  # (fan_in, fan_out): z
    shift: int  # of sums before they are multiplied
    factors: np.ndarray  # (fan_out,), uint16: M of shifted sums
    intercepts: np.ndarray  # (fan_out,): B, in fine steps
    fine: int  # k
    phi: str  # of hidden units
    table: np.ndarray | None  # (INTERVALS + 1,): phi where it bends

    def of(self, q, last):
        """The whole numbers of the units for those of their inputs, (n_samples, fan_out)."""
        v = times(q @ self.weights >> self.shift, self.factors) + self.intercepts
        if last:
            return v
        if self.table is None:
            return np.clip(v >> self.fine, *RANGE[self.phi])
        middle = INTERVALS << self.fine >> 1
        v = np.clip(v, -middle, middle - 1) + middle
        left, part, one = v >> self.fine, v & (1 << self.fine) - 1, 1 << self.fine
        # a half of the last bit for rounding; none where nothing is between two values
        between = self.table[left] * (one - part) + self.table[left + 1] * part + (one >> 1)
        return between >> self.fine


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

    def samples(self, net, X):
        """X in the numbers of the inputs, (n_samples, n_features).

        Raises
        ------
        ValueError
            If it has another number of columns, or numbers that their dtype has not.
        """
        return self.inputs.samples(net.in_order(X), net.n_features)

    def values(self, net, X):
        """What the functions in C put out for a regression, in the type that they have there."""
        return self.outputs(self.samples(net, X)).astype(np.int32)

    def predict(self, net, X):
        """What the folded model `net` predicts in these numbers."""
        z = self.outputs(self.samples(net, X))
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
