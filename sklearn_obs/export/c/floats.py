"""A network in C99 with floating-point sums: float32, float64, or weights of eight bits.

Each layer is computed unit by unit, with its weights as `storage` arranges them::

    z_j = b_j + r sum_k w_jk h_k          h_j = phi(z_j)

For weights of eight bits, r is the scale of the layer, and intercepts have an array of their own.
Otherwise r is 1, and the intercept of a unit is stored before its weights.
"""

from string import Template

import numpy as np

from sklearn_obs.export.c.source import Code, Streams, pointers, public_functions, words_of
from sklearn_obs.export.c.templates import (
    CONSTANT,
    DENSE,
    FLOATS,
    LINEAR,
    PHI,
    PREDICT,
    PROBA,
    RESULT,
    ROWS,
)
from sklearn_obs.export.c.text import c_type, number, read
from sklearn_obs.export.folding import Folded
from sklearn_obs.export.rounding import Device
from sklearn_obs.export.storage import first_used, stored


def code_in_floats(net: Folded, device: Device, name: str) -> Code:
    """The C code of a network in floating-point numbers."""
    real = c_type(device.network.intercepts[0].dtype)
    words = words_of(net, name) | {"real": real, "input": real, "value": real}
    words |= {"exp": "expf", "tanh": "tanhf"} if real == "float" else {"exp": "exp", "tanh": "tanh"}
    streams = Streams()
    linear = _linear(net, device, streams, words)
    exponentials = net.network.out_activation == "exp"
    kind = "exponentials" if exponentials else net.kind
    code, prototypes = public_functions(_public(kind), words)
    n, facts = net.n_outputs, []
    if kind in ("values", "exponentials"):
        facts = [f"y has {n} values." if n > 1 else "y is one value."]
    return Code(words, streams.arrays(), FLOATS, linear + code, prototypes, facts)


def _public(kind):
    yield PREDICT[kind]
    if kind in PROBA:
        what = "Puts probabilities into p; returns 0, or -1."
        yield what, "int ${name}_predict_proba(const $real *x, $real *p)", PROBA[kind]


def _linear(net, device, streams, words):
    """The C function `linear`. Its constants are added to `streams`."""
    inputs, variables, scaling = "x", [], ""
    first = first_used([layer.weights for layer in device.layers])
    if device.input_scale is not None and first == 0:
        streams.add("input_scale", device.input_scale)
        inputs, scaling = "u", f"        u[j] = x[j] * {read(device.input_scale, 'input_scale')};\n"
        variables.append(f"{words['real']} u[{net.n_features}];")
    layers = []
    for l, layer in list(enumerate(device.layers, start=1))[first:]:
        last = l == len(device.layers)
        into = "z" if last else f"h{l}"
        phi = "identity" if last else net.network.activation
        layers.append(_layer(layer, inputs, into, phi, streams, words))
        if not last:
            variables.append(f"{words['real']} {into}[{layer.weights.shape[1]}];")
        inputs = into
    one_class = net.kind == "binary" and len(net.classes) == 1
    returns, result = RESULT["one class" if one_class else net.kind]
    variables += pointers(streams.arrays(), words["name"])
    variables.append("int j, best = 0;" if net.kind == "classes" else "int j;")
    return LINEAR.substitute(
        words,
        returns=returns,
        variables="\n".join(f"    {line}" for line in variables),
        scaling=scaling,
        layers="".join(layers),
        result=Template(result).substitute(words),
    )


def _layer(layer, inputs, into, phi, streams, words):
    """The C code of one layer. Its constants are added to `streams`."""
    rows, b = stored(layer.weights), layer.intercepts
    start, finish = read(b, "weights"), ""
    if layer.scale is None:  # each intercept before the weights of its unit
        ends = np.cumsum(_weights_per_unit(rows, layer.weights), dtype=np.intp)
        streams.add("weights", np.insert(rows.values, [0, *ends[:-1]], b))
    else:
        if rows.values.size:
            streams.add("weights", rows.values)
        streams.add("intercepts", b)
        intercept = read(b, "intercepts")
        start, finish = "0", f"        sum = {intercept} + {number(layer.scale)} * sum;\n"
    template, names = DENSE, {"weight": read(b if layer.scale is None else rows.values, "weights")}
    if rows.columns is not None:
        template = ROWS if rows.values.size else CONSTANT
        if rows.values.size:
            columns = streams.add(f"columns_{rows.columns.dtype.name}", rows.columns)
            counts = streams.add(f"counts_{rows.counts.dtype.name}", rows.counts)
            names |= {"column": read(rows.columns, columns), "count": read(rows.counts, counts)}
    return template.substitute(
        words,
        **names,
        units=len(b),
        fan_in=len(layer.weights),
        inputs=inputs,
        into=into,
        start=start,
        finish=finish,
        value=Template(PHI[phi]).substitute(words),
    )


def _weights_per_unit(rows, W):
    return np.full(W.shape[1], len(W)) if rows.counts is None else rows.counts
