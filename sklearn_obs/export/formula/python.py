"""Equations as a Python function that needs only NumPy."""

from textwrap import wrap

PHI = {
    "identity": "({})",
    "relu": "np.maximum(0.0, {})",
    "logistic": "(0.5 * (1.0 + np.tanh(0.5 * ({}))))",  # does not overflow
    "tanh": "np.tanh({})",
}
WIDTH = 96
TIED = "\0"  # stands for a blank at which lines are not broken


def lines(equations, decimals):
    """Yield the lines of the function, in which numbers have all digits."""
    function = "predict" if equations.kind == "values" else "predict_proba"
    yield from ["import numpy as np", "", "", f"def {function}(X):"]
    yield '    """X: one row for each sample, columns as the model was fitted on."""'
    yield "    X = np.asarray(X, dtype=float)"
    at = {name: f"X[:, {j}]" for name, j in equations.inputs.items()}
    for name, j in equations.inputs.items():
        if name != f"x{j}":
            yield f"    # X[:, {j}]: {' '.join(name.split())}"
    for equation in (*equations.hidden, *equations.outputs):
        body = PHI[equation.phi].format(_sum(equation, at))
        yield from _wrapped(f"{equation.name} = {body}")
    columns = ", ".join(
        e.name if e.terms else f"np.full(len(X), {e.name})" for e in equations.outputs
    )
    yield from _wrapped(f"z = np.column_stack([{columns}])")
    yield from (f"    {line}" for line in _result(equations))


def _result(equations):
    if equations.kind == "values":
        p = "np.exp(z)" if equations.exponentials else "z"
        yield f"return {p}[:, 0]" if len(equations.outputs) == 1 else f"return {p}"
    elif equations.kind == "classes":
        yield "p = np.exp(z - z.max(axis=1, keepdims=True))"
        yield "return p / p.sum(axis=1, keepdims=True)"
    else:
        yield f"p = {PHI['logistic'].format('z')}"
        yield "return p" if equations.kind == "labels" else "return np.hstack([1.0 - p, p])"


def _sum(equation, at):
    parts = [repr(equation.intercept)] if equation.intercept or not equation.terms else []
    for w, name in equation.terms:
        term = f"{abs(w)!r} * {at.get(name, name)}".replace(" ", TIED)
        parts += ["-" if w < 0 else "+", term] if parts else ["-" * (w < 0) + term]
    return " ".join(parts)


def _wrapped(line):
    lines = wrap(
        line,
        WIDTH,
        initial_indent="    ",
        subsequent_indent="        ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(TIED, " ") for line in lines]
