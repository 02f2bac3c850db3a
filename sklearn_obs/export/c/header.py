"""The header of an exported model: it describes columns and outputs, and declares functions."""

from sklearn_obs.export.c.source import Code
from sklearn_obs.export.c.templates import HEADER
from sklearn_obs.export.c.text import class_names, comment, label, string
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
        names = class_names(net.classes.tolist())
        macros += "".join(f"#define {upper}_CLASS_{name} {k}\n" for k, name in enumerate(names))
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
        return [*units, f"{some}:", *(f"  x[{j}] {string(net.feature_names[j])}" for j in read)]
    if len(read) == n:
        return [*units, f"{some}."]
    return [*units, f"{some}: {', '.join(map(str, read))}."]
