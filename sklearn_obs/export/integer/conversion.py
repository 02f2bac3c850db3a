"""A quantized network in whole numbers, and the proof that no sum overflows 32 bits.

With inputs u_i = a q_i + c_i and the weights w_ij = s_j z_ij of their grid::

    b_j + sum_i w_ij u_i = t_j + s_j a sum_i z_ij q_i          t_j = b_j + s_j sum_i z_ij c_i

and in steps a' of what the unit puts out, with M_j = s_j a / a'::

    (B_j + sum_i z_ij q_i) M_j          B_j = round(t_j / (a' M_j))

Hidden units have the steps of `activation_scales_`, or, where they are never negative, of so much
of them that 255 reach a quarter beyond the largest value there was. Sums of units that bend have
the steps of the argument of a table. Of outputs only the order or the sign counts, so that they
have whatever step keeps most of their bits; those of a regression have steps of 2^-f, a number f
each.

No sum is larger than |B_j| + sum_i |z_ij| max |q_i|, in whatever order it is made; the network is
refused where that has no room in an int32. Where it needs more than 20 bits it is shifted before it
is multiplied. Products are rounded down, so that of hidden units B_j has half a step of a' more.

References
----------
Jacob, B. et al. (2018). Quantization and training of neural networks for efficient
integer-arithmetic-only inference. IEEE Conference on Computer Vision and Pattern Recognition.
"""

from itertools import count

import numpy as np
from scipy.special import expit

from sklearn_obs.export.integer.inputs import INPUT_DTYPES, inputs_of
from sklearn_obs.export.integer.multipliers import (
    LARGEST_FACTOR,
    LARGEST_TIMES,
    codes,
    mantissas_and_shifts,
    values,
)
from sklearn_obs.export.integer.network import (
    FINE,
    INTERVALS,
    RANGE,
    IntegerLayer,
    IntegerNetwork,
)
from sklearn_obs.export.storage import first_used

BENDS = {"tanh": (np.tanh, 4.0), "logistic": (expit, 8.0)}  # and from where on they are flat
LARGEST_SUM = 2**31 - 1
LARGEST_INT8 = 127  # steps of `activation_scales_` that reach the largest value there was
HEADROOM = 1.25  # times that value, which hidden units of one sign reach
NEGLIGIBLE = 2.0**-16  # of an intercept: weights that move their unit by less are left out


def in_integers(net, input_dtype):
    """The folded model in whole numbers.

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
            "quantize(X, y, bits=4) first: of a Pipeline, "
            "pipeline[-1].quantize(pipeline[:-1].transform(X), y)."
        )
    grid, bare = net.grid, net.bare
    pairs = zip(bare.coefs, grid.scales, strict=True)
    integers = [np.rint(W / s).astype(np.int64) for W, s in pairs]
    first = first_used(integers)
    read = np.flatnonzero(integers[0].any(axis=1)) if first == 0 else np.zeros(0, int)
    heaviest = np.abs(integers[0]).sum(axis=0).max()
    inputs = inputs_of(net.columns, read, grid.input_range, net.n_features, input_dtype, heaviest)
    if first == 0:
        integers[0] = _on_inputs(integers[0], read, net.columns.source, inputs)
    else:  # nothing reaches the outputs but what is constant
        integers[first] = integers[first][:0]
    step, centres, reach = inputs.step, inputs.centres, max(-inputs.smallest, inputs.largest)
    layers, last = [], len(bare.coefs) - 1
    for l in range(first, last + 1):
        z, b, s = integers[l], bare.intercepts[l], grid.scales[l]
        bound = reach * np.abs(z).sum(axis=0)
        moves = bound * s * step >= NEGLIGIBLE * np.abs(b)
        z, bound = z * moves, bound * moves
        s = np.where(z.any(axis=0), s, _step_of_constants(b, step))
        unit = (z, b + s * (centres @ z), s * step, bound)
        if l < last:
            step = _step_of_hidden(bare.activation, grid.activation_scales[l])
            centres = np.zeros(z.shape[1])
            layer = _hidden_layer(bare.activation, step, *unit)
            reach = RANGE[bare.activation][1]
        else:
            layer, output_steps, fraction_bits = _output_layer(net.kind, *unit)
        _check_sums(layer, bound, l + 1)
        layers.append(layer)
    return IntegerNetwork(inputs, layers, last + 1, grid.n_bits, output_steps, fraction_bits)


def _on_inputs(z, read, source, inputs):
    """The first layer's weights as they apply to the whole numbers of its inputs."""
    if inputs.way != "as they come":
        return z[read]
    spread = np.zeros((len(inputs.source), z.shape[1]), np.int64)
    spread[source[read]] = z[read]
    return spread


def _step_of_hidden(phi, activation_scale):
    """a' of a layer of hidden units."""
    smallest, largest = RANGE[phi]
    beyond = 1.0 if smallest < 0 else HEADROOM * LARGEST_INT8 / largest
    return float(activation_scale) * beyond


def _step_of_constants(b, step):
    """s of units without weights: any, so that their intercept has 15 bits."""
    return np.where(b == 0, 1.0, np.abs(b)) / (2**15 * step)


def _hidden_layer(phi, step_out, z, t, steps, bound):
    table = None
    if phi in BENDS:
        table, step_out = _table(phi, step_out)
    B, shift, code = _multiplied(t, steps, bound, lambda _: step_out, half=0.5)
    return IntegerLayer(z, B, shift, code, phi, table)


def _multiplied(t, steps, bound, step_out_at, half=0.0):
    """(B, shift before the multiplication, codes of M) of units; `step_out_at` is of the shift."""
    for shift in count():
        step_out = step_out_at(shift)
        M = steps / step_out
        code = codes(M * 2.0**shift)
        exact = values(code) / 2.0**shift
        exact = np.where(np.abs(exact - M) <= M / LARGEST_FACTOR, exact, M)  # unless out of range
        with np.errstate(over="ignore", divide="ignore"):
            B = t / (step_out * exact)
            B += np.minimum(half / exact, np.abs(B) + bound) + (2**shift - 1) / 2
        B = np.rint(np.clip(B, -(2.0**40), 2.0**40)).astype(np.int64)
        if (np.abs(B) + bound).max() >> shift <= LARGEST_TIMES:
            return B, shift, code


def _table(phi, step):
    """(values of phi at both ends of `INTERVALS` intervals, the step of its argument)."""
    function, end = BENDS[phi]
    smallest, largest = RANGE[phi]
    at = np.linspace(-end, end, INTERVALS + 1)
    values = np.clip(np.rint(function(at) / step), smallest, largest).astype(np.int64)
    return values, 2 * end / (INTERVALS * FINE)


def _output_layer(kind, z, t, steps, bound):
    """(layer, what a step of each output is worth, f of each output of a regression)."""
    if kind == "binary":  # whose sign is that of its sum
        B = np.rint(np.clip(t / steps, -(2.0**40), 2.0**40)).astype(np.int64)
        return IntegerLayer(z, B, 0, None, "identity", None), steps, None

    def step_out_at(shift):
        if kind == "values":  # M 2^shift is a mantissa
            return np.ldexp(1.0, -mantissas_and_shifts(steps * 2.0**shift)[1])
        return np.full(len(steps), steps.max() * 2.0**shift / LARGEST_FACTOR)

    B, shift, code = _multiplied(t, steps, bound, step_out_at)
    layer, output_steps = IntegerLayer(z, B, shift, code, "identity", None), step_out_at(shift)
    bits = -np.frexp(output_steps)[1] + 1 if kind == "values" else None
    return layer, output_steps, bits


def _check_sums(layer, bound, number):
    """Raise ValueError where a sum might need more than 32 bits."""
    largest = int((np.abs(layer.intercepts) + bound).max())
    if largest > LARGEST_SUM:
        unit = int((np.abs(layer.intercepts) + bound).argmax())
        raise ValueError(
            f"A sum of unit {unit} in layer {number} might become {largest:,}, for which 32 bits "
            "have no room: it has too many inputs, or an intercept that is very large beside its "
            "weights. Prune further, or use dtype='float32'."
        )
