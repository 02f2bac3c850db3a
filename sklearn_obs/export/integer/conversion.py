"""A quantized network in whole numbers, and the proof that no sum overflows 32 bits.

With inputs u_i = a q_i + c_i and the weights w_ij = s_j z_ij of their grid::

    b_j + sum_i w_ij u_i = t_j + s_j a sum_i z_ij q_i          t_j = b_j + s_j sum_i z_ij c_i

and in fine steps a' / 2^k of the unit's output::

    M_j sum_i z_ij q_i + B_j          M_j = 2^k s_j a / a'          B_j = round(2^k t_j / a')

The step a' of hidden units is that of `activation_scales_`. If these are never negative, a' is such
that 255 steps reach a quarter beyond the largest value seen. k is 4, or less if M would be too
large. The argument of a table has fine steps of 1/1024 (tanh) or 1/512 (logistic), or larger ones
for the same reason. Only the order or the sign of a classifier's outputs matters, so their step is
the one that keeps most bits. Each output of a regression has a step of 2^-f, with its own f.

No sum, in whatever order it is computed, is larger than sum_i |z_ij| max |q_i|. If this does not
fit into an int32, there is an error. A sum is shifted to 19 bits before it is multiplied, so the
product has 30 bits at most, as B_j has. Products are rounded down, so B_j of hidden units has half
a step more.

References
----------
Jacob, B. et al. (2018). Quantization and training of neural networks for efficient
integer-arithmetic-only inference. IEEE Conference on Computer Vision and Pattern Recognition.
"""

import numpy as np
from scipy.special import expit

from sklearn_obs.export.integer.inputs import INPUT_DTYPES, inputs_of
from sklearn_obs.export.integer.multipliers import (
    LARGEST_FACTOR,
    LARGEST_TIMES,
    codes,
)
from sklearn_obs.export.integer.network import (
    INTERVALS,
    RANGE,
    IntegerLayer,
    IntegerNetwork,
)
from sklearn_obs.export.storage import first_used

BENDS = {"tanh": (np.tanh, 4.0), "logistic": (expit, 8.0)}  # phi, |z| where it is flat
LARGEST_SUM = 2**31 - 1
LARGEST_INT8 = 127  # steps of `activation_scales_` that reach the largest value seen
HEADROOM = 1.25  # times that value: the reach of hidden units that are never negative
LARGEST_INTERCEPT = 2**30 - 1
INT16 = 2**15 - 1
FINE, FINE_TABLE = 4, 7  # largest k of hidden units, and of the argument of a table


def in_integers(net, input_dtype):
    """Convert the folded model to an `IntegerNetwork`.

    Raises
    ------
    ValueError
        If it is not quantized, `input_dtype` is unknown, or a sum might overflow.
    """
    if input_dtype not in INPUT_DTYPES:
        expected = ", ".join(INPUT_DTYPES)
        raise ValueError(f"Got input_dtype={input_dtype!r}, but expected one of {expected}.")
    if net.grid is None:
        raise ValueError(
            "dtype='integer' needs a network whose weights are on a grid of few bits. Call "
            "quantize(X, y, bits=4) on the OBSPrunedMLPClassifier or OBSPrunedMLPRegressor first: "
            "pipeline[-1].quantize(pipeline[:-1].transform(X), y) in a Pipeline, "
            "search.best_estimator_ or search.estimator_ in a search, and "
            "OBSPrunedMLPClassifier.from_sklearn(mlp) of an MLPClassifier."
        )
    grid, bare = net.grid, net.bare
    pairs = zip(bare.coefs, grid.scales, strict=True)
    integers = [np.rint(W / s).astype(np.int64) for W, s in pairs]
    first = first_used(integers)
    read = np.flatnonzero(integers[0].any(axis=1)) if first == 0 else np.zeros(0, int)
    given = (grid.input_range, net.n_features, input_dtype, integers[0])
    inputs = inputs_of(net.columns, read, *given)
    if first == 0:
        integers[0] = _on_inputs(integers[0], read, net.columns.source, inputs)
    else:  # the outputs do not depend on the inputs
        integers[first] = integers[first][:0]
    step, centres, reach = inputs.step, inputs.centres, max(-inputs.smallest, inputs.largest)
    layers, last = [], len(bare.coefs) - 1
    for l in range(first, last + 1):
        z, b, s = integers[l], bare.intercepts[l], grid.scales[l]
        bound = reach * np.abs(z).sum(axis=0)
        _check_sums(bound, l + 1)
        s = np.where(z.any(axis=0), s, 0.0)
        unit = (z, b + s * (centres @ z), s * step, bound)
        if l < last:
            step = _step_of_hidden(bare.activation, grid.activation_scales[l])
            centres = np.zeros(z.shape[1])
            layer = _hidden_layer(bare.activation, step, *unit)
            reach = RANGE[bare.activation][1]
        else:
            layer, output_steps, fraction_bits = _output_layer(net.kind, *unit)
        layers.append(layer)
    return IntegerNetwork(inputs, layers, last + 1, grid.n_bits, output_steps, fraction_bits)


def _on_inputs(z, read, source, inputs):
    """The first layer's weights, with one row for each whole number of its inputs."""
    if inputs.way != "as they come":
        return z[read]
    spread = np.zeros((len(inputs.source), z.shape[1]), np.int64)
    spread[source[read]] = z[read]
    return spread


def _step_of_hidden(phi, activation_scale):
    """The step a' of a layer of hidden units."""
    smallest, largest = RANGE[phi]
    beyond = 1.0 if smallest < 0 else HEADROOM * LARGEST_INT8 / largest
    return float(activation_scale) * beyond


def _hidden_layer(phi, step_out, z, t, steps, bound):
    table, fine, one_step = None, FINE, step_out
    if phi in BENDS:
        table, fine, one_step = _table(phi, step_out), FINE_TABLE, 2 * BENDS[phi][1] / INTERVALS
    # if whole steps need larger factors, too, a single weight takes the unit to its limit
    while fine and steps.max() * 2**fine > LARGEST_FACTOR * one_step:
        fine -= 1
    half = 0.5 if table is not None else max(2.0 ** (fine - 1), 0.5)
    B, shift, code = _multiplied(t, steps, bound, one_step / 2**fine, half)
    return IntegerLayer(z, shift, code, B, fine, phi, table)


def _multiplied(t, steps, bound, step_out, half=0.0):
    """(B, the shift of sums before their multiplication, the codes of M for shifted sums)."""
    shift = max(int(bound.max()).bit_length() - LARGEST_TIMES.bit_length(), 0)
    M = steps / step_out
    code = codes(M * 2.0**shift)
    lost = M * (2**shift - 1) / 2  # by the shift, on average
    B = np.rint(np.clip(t / step_out + half + lost, -LARGEST_INTERCEPT, LARGEST_INTERCEPT))
    return B.astype(np.int64), shift, code


def _table(phi, step):
    """The values of phi at both ends of `INTERVALS` intervals."""
    function, end = BENDS[phi]
    at = np.linspace(-end, end, INTERVALS + 1)
    return np.clip(np.rint(function(at) / step), *RANGE[phi]).astype(np.int64)


def _output_layer(kind, z, t, steps, bound):
    """(layer, step of each output as a real number, f of each output of a regression)."""
    bits = None
    if kind == "values":
        bits = _fraction_bits(t, steps, bound)
        step_out = np.ldexp(1.0, -bits)
    else:
        if kind == "classes":  # only differences count
            t = t - t.mean()
        step = max(steps.max() / LARGEST_FACTOR, np.abs(t).max() / INT16)
        step_out = np.full(len(steps), step if step > 0 else 1.0)
    B, shift, code = _multiplied(t, steps, bound, step_out)
    return IntegerLayer(z, shift, code, B, 0, "identity", None), step_out, bits


def _fraction_bits(t, steps, bound):
    """The largest f for which M fits into eleven bits, and B and the product into thirty."""
    room = [(LARGEST_FACTOR, steps), (2**29, np.abs(t)), (2**29, bound * steps)]
    with np.errstate(divide="ignore", over="ignore"):
        f = np.min([np.log2(most / np.asarray(value, float)) for most, value in room], axis=0)
    return np.floor(np.minimum(f, 30)).astype(np.int64)


def _check_sums(bound, number):
    """Raise ValueError if a sum might need more than 32 bits."""
    if bound.max() > LARGEST_SUM:
        raise ValueError(
            f"A sum of unit {bound.argmax()} in layer {number} might become {bound.max():,}, for "
            "which 32 bits have no room: the unit has too many weights. Prune further, use fewer "
            "bits, or use dtype='float32'."
        )
