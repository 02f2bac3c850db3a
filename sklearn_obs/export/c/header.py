"""The header of an exported model: what its columns and outputs are, and its functions."""

import numpy as np

from sklearn_obs.export.c.templates import HEADER
from sklearn_obs.export.c.text import comment, label, string


def header_text(net, device, words, prototypes, scores):
    """What the model is, for whom it may concern, and its functions."""
    widths = [net.n_features, *(len(b) for b in net.network.intercepts)]
    n_weights = sum(int(np.count_nonzero(layer.weights)) for layer in device.layers)
    n_outputs = 2 if net.kind == "binary" else net.n_outputs
    facts = [
        f"Network {'-'.join(map(str, widths))} ({net.network.activation}), {n_weights} weights; "
        "made by sklearn_obs.",
        "",
        *_columns(net, device),
        "",
        "x86-64: gcc -std=c99 -Os FILES -lm",
        "AVR: avr-gcc -std=gnu99 -Os -mmcu=atmega328p FILES -lm (constants stay in flash)",
        "Cortex-M0+: arm-none-eabi-gcc -std=c99 -Os -mcpu=cortex-m0plus -mthumb FILES -lm",
    ]
    if net.kind == "labels":
        facts += ["", f"y and p have {n_outputs} values, one for each label."]
    elif net.kind == "values":
        facts += ["", f"y has {n_outputs} values." if n_outputs > 1 else "y is one value."]
    else:
        known = f"{words['upper']}_CLASSES"
        what = f"in the order of {known}"
        if len(net.classes) == 1:
            what = f"of the only class in {known}, and of any other"
        facts += ["", f"p has {n_outputs} probabilities, {what}."]
    if scores[0] is not None:
        facts += [
            "",
            f"{net.metric} on test data: {scores[1]:.4f}; of the model in Python {scores[0]:.4f}.",
        ]
    classes = ""
    if net.kind in ("classes", "binary"):
        labels = ", ".join(label(value) for value in net.classes.tolist())
        classes = f"#define {words['upper']}_CLASSES {{{labels}}} /* to initialise an array */\n"
    return HEADER.substitute(
        words,
        facts=comment(facts),
        guard=f"{words['upper']}_H",
        n_outputs=n_outputs,
        classes=classes,
        prototypes="\n".join(prototypes),
    )


def _columns(net, device):
    """Which columns of X are read, by number and name, and in which units."""
    read, n = np.flatnonzero(device.network.coefs[0].any(axis=1)), net.n_features
    as_they_come = (net.columns.scale == 1).all() and (net.columns.shift == 0).all()
    units = [] if as_they_come else ["Scaling is done here: give x as it was before the scaler."]
    if net.feature_names is not None:
        names = [f"  x[{j}] {string(net.feature_names[j])}" for j in read]
        return [*units, f"Of {n} columns of x are read:", *names]
    if len(read) == n:
        return [*units, f"All {n} columns of x are read."]
    return [*units, f"Of {n} columns of x are read: {', '.join(map(str, read))}."]
