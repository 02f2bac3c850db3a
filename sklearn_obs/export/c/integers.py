"""A network in C99 that computes in whole numbers, as `sklearn_obs.export.integer` defines it.

Floating point is used in two places only: for one subtraction and multiplication for each column,
if columns are floating-point numbers, and for probabilities, which are left out unless asked for.
"""

from string import Template

import numpy as np

from sklearn_obs.export.c.integer_templates import (
    BYTE,
    CLIPPED,
    CONSTANT,
    FACTOR,
    FINITE,
    FLOAT_INPUTS,
    INTEGERS,
    LINEAR,
    PACKED,
    PROBA,
    PROBA_INCLUDES,
    ROUNDED,
    SCALED,
    SPARSE,
    TABLE,
)
from sklearn_obs.export.c.source import Code, Streams, pointers, public_functions, words_of
from sklearn_obs.export.c.templates import PREDICT, RESULT
from sklearn_obs.export.c.text import c_type, number
from sklearn_obs.export.folding import Folded
from sklearn_obs.export.integer.network import INTERVALS, RANGE, IntegerNetwork
from sklearn_obs.export.integer.storage import stored_inputs, stored_layer

INCLUDES = "#include <stdint.h>\n\n"
INT = 2**15 - 1  # what an int holds on every platform
READ = {
    "words": "SKLEARN_OBS_16(words++)",
    "intercepts": "(int16_t)SKLEARN_OBS_16(words++)",
    "longs": "(int32_t)SKLEARN_OBS_32(longs++)",
    "bytes": "SKLEARN_OBS_8(bytes++)",
}


def code_in_integers(net: Folded, device: IntegerNetwork, name: str) -> Code:
    """The C code of a network in whole numbers."""
    words = words_of(net, name)
    words |= {"input": c_type(device.inputs.dtype), "value": "int32_t"}
    words["step"] = number(np.float32(device.output_steps[0]))
    streams = Streams()
    linear = _linear(net, device, streams, words)
    what, prototype, body = PREDICT[net.kind]
    if device.inputs.dtype.kind != "f":  # whole numbers are all finite
        what = what.replace(", or -1", "")
    code, prototypes = public_functions([(what, prototype, body)], words)
    preamble = INTEGERS + (FLOAT_INPUTS if device.inputs.dtype.kind == "f" else "")
    if net.kind in PROBA:
        what = "Puts probabilities into p; returns 0."
        what = what.replace("0.", "0, or -1.") if device.inputs.dtype.kind == "f" else what
        prototype = "int ${name}_predict_proba(const $input *x, float *p)"
        more, (declared,) = public_functions([(what, prototype, PROBA[net.kind])], words)
        guard = f"#ifdef {words['upper']}_PROBA"
        code += f"\n{guard}{more}#endif\n"
        prototypes.append(
            f"{guard} /* define it to have this function, which needs libm */\n{declared}#endif\n"
        )
        preamble += PROBA_INCLUDES.substitute(words)
    facts, macros = _of_outputs(net, device, words["upper"])
    return Code(
        words, streams.arrays(), preamble, linear + code, prototypes, facts, macros, INCLUDES
    )


def _of_outputs(net, device, upper):
    """(facts, macros) about the outputs, for the header."""
    facts, macros = [], ""
    if device.fraction_bits is not None:
        bits, n = device.fraction_bits.tolist(), net.n_outputs
        macro = f"{upper}_FRACTION_BITS"
        values = str(bits[0]) if n == 1 else f"{{{', '.join(map(str, bits))}}}"
        macros = f"#define {macro} {values}{' /* to initialise an array */' * (n > 1)}\n"
        if n == 1:
            facts = [f"y is one value, in fixed point: it is y * 2^-{macro}."]
        else:
            facts = [
                f"y has {n} values, in fixed point: they are y[j] * 2^-bits[j], bits being "
                f"those of {macro}."
            ]
        if net.network.out_activation == "exp":
            facts.append("The number that is predicted is the exponential of that.")
    if device.inputs.way != "as they come":
        facts.append(
            "The column with the largest range cannot leave the range of training: larger numbers "
            "count as its largest. Other columns have some room beyond. Outside the range of "
            "training the prediction is a guess, so check such numbers in your program."
        )
    return facts, macros


def _linear(net, device, streams, words):
    """The C function `linear`. Its constants are added to `streams`."""
    inputs, source = device.inputs, "x"
    variables, scaling = [], ""
    reads_words = False
    if inputs.dtype.kind == "f":
        scaling = FINITE.substitute(words)
    elif not device.layers[0].weights.any():
        scaling = "    (void)x;\n"
    if inputs.way != "as they come":
        scaling += _inputs(inputs, streams)
        variables.append(f"int16_t q[{len(inputs.source)}];")
        source = "q"
    type_, reach = _type_of(inputs)
    layers = []
    for l, layer in enumerate(device.layers, start=1):
        last = l == len(device.layers)
        into = "z" if last else f"h{l}"
        layers.append(_layer(layer, device.n_bits, (type_, source, reach), into, last, streams))
        if layer.table is not None:
            layers.append(f"    tables += {INTERVALS + 1};\n")
        reads_words |= layer.weights.any()
        if not last:
            smallest, reach = RANGE[layer.phi]
            type_, source = "int8_t" if smallest < 0 else "uint8_t", into
            variables.append(f"{type_} {into}[{layer.weights.shape[1]}];")
    one_class = net.kind == "binary" and len(net.classes) == 1
    returns, result = RESULT["one class" if one_class else net.kind]
    variables += pointers(streams.arrays(), words["name"])
    variables += ["uint16_t m;"] if reads_words else []
    variables.append("int j, best = 0;" if net.kind == "classes" else "int j;")
    return LINEAR.substitute(
        words,
        returns=returns,
        or_not=", or -1" if inputs.dtype.kind == "f" else "",
        variables="\n".join(f"    {line}" for line in variables),
        inputs=scaling,
        layers="".join(layers),
        result=Template(result).substitute(words),
    )


def _type_of(inputs):
    """(type of the whole numbers of the inputs in C, their largest magnitude)."""
    type_ = c_type(inputs.dtype) if inputs.way == "as they come" else "int16_t"
    return type_, max(-inputs.smallest, inputs.largest)


def _inputs(inputs, streams):
    """The C code that turns columns into whole numbers. Its constants are added to `streams`."""
    stored = stored_inputs(inputs)
    for name, values in stored.arrays.items():
        streams.add(name, values)
    source = {0: "j", 8: READ["bytes"], 16: READ["words"]}[stored.source_bits]
    n = len(inputs.source)
    if inputs.way == "scaled":
        return SCALED.substitute(n=n, source=source, most=inputs.largest)
    offset = factor = "SKLEARN_OBS_FLOAT(floats++)"
    if stored.alike:
        offset, factor = number(inputs.offsets[0]), number(inputs.factors[0])
    most = number(np.float32(inputs.largest))
    return ROUNDED.substitute(n=n, source=source, offset=offset, factor=factor, most=most)


def _layer(layer, n_bits, inputs, into, last, streams):
    """The C code of one layer. Its constants are added to `streams`."""
    stored = stored_layer(layer, n_bits)
    for name, values in stored.arrays.items():
        if values.size:
            streams.add(name, values)
    stream, (type_, source, reach) = stored.stream, inputs
    words = {
        "units": len(layer.intercepts),
        "fan_in": len(layer.weights),
        "type": type_,
        "inputs": source,
        "into": into,
        "finish": _finish(layer, stored, into, last),
    }
    if not layer.weights.any():
        return CONSTANT.substitute(words, intercept=_intercept(stored))
    wide = "(int32_t)" if np.abs(layer.weights).max() * reach > INT else ""
    if stream.form == "packed":
        return PACKED.substitute(
            words,
            byte=BYTE if stream.bits < 8 else "",
            entry=_packed_entry(stream.bits, n_bits, wide),
        )
    count, count_type, read = READ["bytes"], f"uint{8 * stream.count_bytes}_t", ""
    if stream.count_bytes == 2:  # without side effects, whose order C leaves open
        count = "(uint16_t)(SKLEARN_OBS_8(bytes) | (uint16_t)SKLEARN_OBS_8(bytes + 1) << 8)"
        read = "        bytes += 2;\n"
    words |= {"count": count, "count_type": count_type, "read": read}
    return SPARSE.substitute(words, entry=_sparse_entry(stream, wide))


def _sparse_entry(stream, wide):
    """The C code of one entry of compressed weights."""
    indent = " " * 12
    if stream.form == "pairs":
        add = f"sum += {wide}v * *h++;"
        add = f"if (v) {add}" if stream.escapes else add
        lines = [
            "int8_t v;",
            f"h += {READ['bytes']};",
            f"v = (int8_t){READ['bytes']};",
            add,
        ]
        return "".join(f"{indent}{line}\n" for line in lines)
    mask, half = 2**stream.bits - 1, 2 ** (stream.bits - 1)
    add = f"sum += {wide}((v & {mask}) - {half}) * *h++;"
    if stream.bits == 2:  # -1 and 1, without a multiplication
        add = f"sum += v & 2 ? *h : -{wide}*h;"
    lines = [f"uint8_t v = {READ['bytes']};", f"h += v >> {stream.bits};", add]
    if stream.bits == 2:
        lines.append("h++;")
    if stream.escapes:
        _, skip, *rest = lines
        lines[1:] = [f"if (v & {mask}) {{", *(f"    {line}" for line in (skip, *rest))]
        lines += ["} else h += v;"]
    return "".join(f"{indent}{line}\n" for line in lines)


def _packed_entry(width, n_bits, wide):
    """The C code of one packed weight, whose code has `width` bits."""
    indent, per_byte = " " * 12, 8 // width
    if width == 8:
        return f"{indent}sum += {wide}(int8_t){READ['bytes']} * *h;\n"
    lines = [f"if (!(k & {per_byte - 1})) v = {READ['bytes']};"]
    mask, half = 2**width - 1, 2 ** (width - 1)
    if n_bits == 2:  # -1, 0 and 1, without a multiplication
        lines.append(f"if (v & 1) sum += v & 2 ? *h : -{wide}*h;")
    else:
        lines.append(f"sum += {wide}((v & {mask}) - {half}) * *h;")
    lines.append(f"v = (uint8_t)(v >> {width});")
    return "".join(f"{indent}{line}\n" for line in lines)


def _intercept(stored):
    return READ["longs" if stored.wide else "intercepts"]


def _finish(layer, stored, into, last):
    """The C code that turns a sum into the whole number of a unit."""
    code = ""
    if layer.weights.any():
        shifted = f"(sum >> {layer.shift})" if layer.shift else "sum"
        code = FACTOR.substitute(shifted=shifted, intercept=_intercept(stored))
    if last:
        return f"{code}        {into}[j] = sum;\n"
    smallest, largest = RANGE[layer.phi]
    words = {"into": into, "cell": "int8_t" if smallest < 0 else "uint8_t"}
    if layer.table is None:
        code += f"        sum >>= {layer.fine};\n" if layer.fine else ""
        return code + CLIPPED.substitute(words, smallest=smallest, largest=largest)
    n, fine = INTERVALS << layer.fine, 1 << layer.fine
    words |= {"middle": n // 2, "last": n - 1, "bits": layer.fine, "mask": fine - 1}
    return code + TABLE.substitute(words, fine=fine, half=fine >> 1)
