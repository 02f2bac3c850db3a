"""Equations as lines of text."""

import re

PHI = {
    "identity": "{}",
    "relu": "max(0, {})",
    "logistic": "logistic({})",
    "tanh": "tanh({})",
    "exp": "exp({})",
}


def lines(equations, decimals):
    """Yield a line for each equation, and lines that say how to read the outputs."""
    for equation in equations.hidden:
        yield f"{equation.name} = {PHI[equation.phi].format(_sum(equation, decimals))}"
    outputs = equations.outputs
    if equations.kind == "values":
        phi = PHI["exp" if equations.exponentials else "identity"]
        for j, equation in enumerate(outputs, start=1):
            name = equations.target if len(outputs) == 1 else f"{equations.target}{j}"
            yield f"{name} = {phi.format(_sum(equation, decimals))}"
        return
    of = {"classes": equations.classes, "labels": equations.classes}.get(equations.kind, [""])
    for equation, name in zip(outputs, of, strict=True):
        said = f"   [{name}]" if name else ""
        yield f"{equation.name} = {_sum(equation, decimals)}{said}"
    yield from _decision(equations)


def _decision(equations):
    classes, z = equations.classes, equations.score
    if equations.kind == "classes":
        yield f"P(class) = exp({z} of the class) / sum of exp({z}) of all classes"
        yield f"class = the one with the largest {z}"
    elif equations.kind == "labels":
        yield f"P(label) = logistic({z} of the label)"
        yield f"label is set where its {z} > 0"
    elif len(classes) == 1:
        yield f"class = {classes[0]}"
    else:
        yield f"P({classes[1]}) = logistic({z})"
        yield f"class = {classes[1]} if {z} > 0 else {classes[0]}"


def number(value, decimals):
    """A non-negative number with `decimals` decimals, or as many significant digits if small."""
    if value == 0 or (value >= 0.1 and round(value, decimals)):
        return f"{value:.{decimals}f}"
    return f"{value:.{max(decimals, 1)}g}"


def signed_sum(intercept, terms):
    """Join terms with signs between them; a term is a pair (whether it is negative, text)."""
    parts = [*([intercept] if intercept else []), *terms]
    if not parts:
        return "0"
    (negative, first), *rest = parts
    return (
        ("-" if negative else "")
        + first
        + "".join(f" {'-' if negative else '+'} {text}" for negative, text in rest)
    )


def _sum(equation, decimals):
    b = equation.intercept
    intercept = (b < 0, number(abs(b), decimals)) if b or not equation.terms else None
    terms = [(w < 0, f"{number(abs(w), decimals)} * {_quoted(name)}") for w, name in equation.terms]
    return signed_sum(intercept, terms)


def _quoted(name):
    plain = re.fullmatch(r"[^\W\d]\w*", name) and name not in ("max", "exp", "tanh", "logistic")
    return name if plain else f"[{name}]"
