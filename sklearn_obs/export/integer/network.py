"""A network in whole numbers, and what it computes: the reference for the C code.

With the weights z, inputs q and the intercept B of a unit, all of them whole numbers::

    v_j = floor(M_j sum_i z_ij q_i) + B_j          h_j = phi(v_j)

The product is a multiplication and a shift (see `multipliers`). v_j counts fine steps, 2^k of which
are one step of h_j. If phi is relu or the identity, h_j is floor(v_j / 2^k), clipped to the range
of eight bits. If phi is tanh or logistic, v_j is the argument of a table, whose values are 2^k fine
steps apart, with linear interpolation between them. Outputs are v_j itself.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_obs.export.integer.inputs import Inputs
from sklearn_obs.export.integer.multipliers import times
from sklearn_obs.export.integer.storage import stored_inputs, stored_layer

RANGE = {"relu": (0, 255), "logistic": (0, 255), "identity": (-127, 127), "tanh": (-127, 127)}
INTERVALS = 64  # between the values of a table


@dataclass(frozen=True)
class IntegerLayer:
    """The units of one layer."""

    weights: np.ndarray  # (fan_in, fan_out): z
    shift: int  # of sums to the right, before they are multiplied
    factors: np.ndarray  # (fan_out,), uint16: the codes of M for shifted sums
    intercepts: np.ndarray  # (fan_out,): B, in fine steps
    fine: int  # k
    phi: str  # of hidden units
    table: np.ndarray | None  # (INTERVALS + 1,): values of tanh or logistic

    def of(self, q, last):
        """The whole numbers of the units, (n_samples, fan_out), from those of their inputs, q."""
        v = times(q @ self.weights >> self.shift, self.factors) + self.intercepts
        if last:
            return v
        if self.table is None:
            return np.clip(v >> self.fine, *RANGE[self.phi])
        middle = INTERVALS << self.fine >> 1
        v = np.clip(v, -middle, middle - 1) + middle
        left, part, one = v >> self.fine, v & (1 << self.fine) - 1, 1 << self.fine
        # half of the last bit is added for rounding; 0 if k is 0
        between = self.table[left] * (one - part) + self.table[left + 1] * part + (one >> 1)
        return between >> self.fine


@dataclass(frozen=True)
class IntegerNetwork:
    """What a device computes."""

    inputs: Inputs
    layers: list[IntegerLayer]  # without the first ones, if they have no effect on the outputs
    n_layers: int  # number of all layers
    n_bits: int
    output_steps: np.ndarray  # (n_outputs,): step of each output as a real number
    fraction_bits: np.ndarray | None  # (n_outputs,): f of a regression

    @property
    def n_weights(self):
        """Number of weights that are not 0."""
        return sum(int(np.count_nonzero(layer.weights)) for layer in self.layers)

    @property
    def layer_bytes(self):
        """Bytes of the constants of each layer in C; the first used one has those of columns."""
        parts = [stored_layer(layer, self.n_bits).arrays for layer in self.layers]
        n_bytes = [sum(array.nbytes for array in arrays.values()) for arrays in parts]
        of_inputs = stored_inputs(self.inputs).arrays.values()
        n_bytes[0] += sum(array.nbytes for array in of_inputs)
        return [0] * (self.n_layers - len(self.layers)) + n_bytes

    @property
    def columns_read(self):
        """The columns of X that have an effect on the outputs, ascending."""
        used = self.layers[0].weights.any(axis=1)
        return np.unique(self.inputs.source[used])

    def samples(self, net, X):
        """X in the numbers of the device, (n_samples, n_features).

        Raises
        ------
        ValueError
            If X has another number of columns, or numbers that their dtype does not hold.
        """
        return self.inputs.samples(net.in_order(X), net.n_features)

    def values(self, net, X):
        """The outputs of the C functions for a regression, in their type in C."""
        return self.outputs(self.samples(net, X)).astype(np.int32)

    def predict(self, net, X):
        """The predictions of the folded model `net`, computed in whole numbers."""
        z = self.outputs(self.samples(net, X))
        if self.fraction_bits is None:
            return net.predicted(z, 0)
        y = np.ldexp(z.astype(float), -self.fraction_bits)
        return net.predicted(np.exp(y) if net.network.out_activation == "exp" else y, 0)

    def outputs(self, X):
        """The outputs before their activation, as whole numbers, for samples of the inputs' dtype.

        An int64 array of shape (n_samples, n_outputs).
        """
        q = self.inputs.of(X)
        for layer in self.layers:
            q = layer.of(q, layer is self.layers[-1])
        return q
