"""The header of an exported model: it describes columns and outputs, and declares functions."""

import numpy as np

from sklearn_obs.export.c.source import Code
from sklearn_obs.export.c.templates import HEADER
from sklearn_obs.export.c.text import comment, label, macro_names, string
from sklearn_obs.export.folding import Folded


def header_text(net: Folded, device, code: Code, scores) -> str:
    """The text of the header: a description of the model, and its functions."""
    widths = [net.n_features, *(len(b) for b in net.network.intercepts)]
    facts = [
        f"Network {'-'.join(map(str, widths))} ({net.network.activation}), {device.n_weights} "
        "weights; made by sklearn_obs.",
        "",
        *_columns(net, device.columns_read, "int" in str(code.words["input"])),
        "",
        "x86-64: gcc -std=c99 -Os FILES -lm",
        "AVR: avr-gcc -std=gnu99 -Os -mmcu=atmega328p FILES -lm (constants stay in flash)",
        "Cortex-M0+: arm-none-eabi-gcc -std=c99 -Os -mcpu=cortex-m0plus -mthumb FILES -lm",
        "",
        *_outputs(net, code),
    ]
    if scores[0] is not None:
        facts += [
            "",
            f"{net.metric} on test data: {scores[1]:.4f}; of the model in Python {scores[0]:.4f}.",
        ]
    upper, macros = code.words["upper"], code.macros
    if net.classes is not None and net.kind != "labels":
        labels = ", ".join(label(value) for value in net.classes.tolist())
        macros += f"#define {upper}_CLASSES {{{labels}}} /* to initialise an array */\n"
        macros += _class_macros(upper, net.classes.tolist())
    macros += _column_macros(upper, net, device.columns_read)
    return HEADER.substitute(
        code.words | {"n_outputs": _n_outputs(net)},
        facts=comment(facts),
        guard=f"{upper}_H",
        macros=macros,
        includes=code.includes,
        prototypes="\n".join(code.prototypes),
    )


def _outputs(net, code):
    """Lines that describe the outputs y and p."""
    if net.kind == "labels":
        return [f"y and p have {net.n_outputs} values, one for each label.", *code.facts]
    if net.kind == "values":
        return code.facts
    known = f"{code.words['upper']}_CLASSES"
    what = f"in the order of {known}"
    if len(net.classes) == 1:
        what = f"of the only class in {known}, and of any other"
    return [f"p has {_n_outputs(net)} probabilities, {what}.", *code.facts]


def _class_macros(upper, classes):
    """The index of each class by its name; none where the index is the name."""
    if classes == list(range(len(classes))):
        return ""
    negative = [isinstance(value, int) and value < 0 for value in classes]
    texts = [f"minus_{-v}" if n else str(v) for v, n in zip(classes, negative, strict=True)]
    names = enumerate(macro_names(texts))
    return "".join(f"#define {upper}_CLASS_{name} {k}\n" for k, name in names)


def _column_macros(upper, net, read):
    """The index in x of each column that is read, by its name."""
    if net.feature_names is None:
        return ""
    names = macro_names([net.feature_names[j] for j in read])
    if names == [str(k) for k in range(len(read))]:
        return ""
    lines = (f"#define {upper}_X_{name} {j}\n" for name, j in zip(names, read, strict=True))
    return "".join(lines)


def _n_outputs(net):
    """The largest number of values that a function writes."""
    return 2 if net.kind == "binary" else net.n_outputs


def _columns(net, read, whole):
    """Lines that say which columns of X are read, by number and name, and in which units."""
    n = net.n_features
    as_they_come = (net.columns.scale == 1).all() and (net.columns.shift == 0).all()
    units = [] if as_they_come else ["Scaling is done here: give x as it was before the scaler."]
    others = "may hold anything" if whole else "have to be finite"
    if len(read) == n:
        some = f"All {n} elements of x are read"
    else:
        some = f"x has {n} elements, of which {len(read)} are read; the others {others}"
    if net.feature_names is not None:
        ranges = _ranges(net)
        names = (f"  x[{j}] {string(net.feature_names[j])}{ranges.get(j, '')}" for j in read)
        return [*units, f"{some}:", *names]
    if len(read) == n:
        return [*units, f"{some}."]
    return [*units, f"{some}: {', '.join(map(str, read))}."]


def _ranges(net):
    """For each column of X in words, the range that `quantize` has seen, if it has."""
    if net.grid is None:
        return {}
    ends = (net.grid.input_range - net.columns.shift) / net.columns.scale
    digit = 1e-6 * np.maximum(np.ptp(ends, axis=0), np.finfo(float).tiny)
    low, high = np.rint(ends / digit) * digit  # so that 0 is 0, whatever the scaler's rounding
    columns = zip(net.columns.source, low, high, strict=True)
    return {int(j): f", {low:.6g} to {high:.6g} in training" for j, low, high in columns}
