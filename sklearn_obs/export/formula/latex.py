"""Equations as lines in LaTeX's math mode, using only what matplotlib's mathtext supports."""

import re

from sklearn_obs.export.formula.plain import number, signed_sum

PHI = {
    "identity": "{}",
    "relu": r"\max(0, {})",
    "logistic": r"\sigma({})",
    "tanh": r"\tanh({})",
    "exp": r"\exp({})",
}
SPECIAL = {  # replacements that LaTeX and mathtext write alike
    "&": r"\ and\ ",
    "#": "No.",
    '"': "''",
    "\\": r"\backslash ",
    "^": r"\wedge ",
    "~": r"\sim ",
    " ": r"\ ",
    **{c: rf"\{c}" for c in "_%${}"},
}


def lines(equations, decimals):
    """Yield a line for each equation, and lines that say how to read the outputs."""
    for equation in equations.hidden:
        phi, total = PHI[equation.phi], _sum(equation, decimals)
        yield f"{_symbol(equation.name)} = {phi.format(total)}"
    outputs = equations.outputs
    if equations.kind == "values":
        phi = PHI["exp" if equations.exponentials else "identity"]
        for j, equation in enumerate(outputs, start=1):
            name = r"\hat{y}" if len(outputs) == 1 else rf"\hat{{y}}_{{{j}}}"
            yield f"{name} = {phi.format(_sum(equation, decimals))}"
        return
    for equation in outputs:
        yield f"{_symbol(equation.name)} = {_sum(equation, decimals)}"
    yield from _decision(equations)


def _decision(equations):
    classes, z = list(map(_word, equations.classes)), _symbol(equations.score)
    if equations.kind in ("classes", "labels"):
        for j, name in enumerate(classes, start=1):
            p = rf"\exp({z}_{{{j}}}) / \sum_k \exp({z}_k)"
            if equations.kind == "labels":
                p = rf"\sigma({z}_{{{j}}})"
            yield rf"P({name}) = {p}"
        if equations.kind == "classes":
            yield rf"\hat{{y}} = \arg\,\max_k\, {z}_k"
        else:
            yield rf"\hat{{y}}_k = 1 \quad \mathrm{{where}} \quad {z}_k > 0"
    elif len(classes) == 2:
        yield rf"P({classes[1]}) = \sigma({z})"
        yield rf"\hat{{y}} = {classes[1]} \quad \mathrm{{if}} \quad {z} > 0"
    else:
        yield rf"\hat{{y}} = {classes[0]}"


def _sum(equation, decimals):
    b = equation.intercept
    intercept = (b < 0, _number(abs(b), decimals)) if b or not equation.terms else None
    terms = [
        (w < 0, rf"{_number(abs(w), decimals)}\,{_symbol(name)}") for w, name in equation.terms
    ]
    return signed_sum(intercept, terms)


def _number(value, decimals):
    mantissa, _, exponent = number(value, decimals).partition("e")
    return mantissa + (rf" \times 10^{{{int(exponent)}}}" if exponent else "")


def _symbol(name):
    """A name in LaTeX: h1 as h_1, x0 as x_0, and other names in upright letters."""
    if found := re.fullmatch(r"([a-z]|unit|hidden_unit|score)(\d+)(?:_(\d+))?", name):
        word, first, second = found.groups()
        below = first if second is None else f"{first},{second}"
        return f"{word if len(word) == 1 else _word(word)}_{{{below}}}"
    return name if re.fullmatch("[a-z]", name) else _word(name)


def _word(name):
    return r"\mathrm{" + "".join(SPECIAL.get(c, c) for c in name) + "}"
