"""`export_rules`: the classes of a small network as conditions on inputs with few values."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array

from sklearn_obs.export.folding import folded
from sklearn_obs.export.formula.cover import cover
from sklearn_obs.export.formula.states import combinations, variables_of
from sklearn_obs.export.formula.text import names_of_classes, names_of_features
from sklearn_obs.network import forward


def export_rules(
    model: Any,
    X: ArrayLike,
    *,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    input_groups: ArrayLike | Callable | None = None,
) -> str:
    """Write the classes of a small network as rules, for inputs with few values.

    The network predicts the class for every combination of values of the inputs that it reads. Each
    class is then described by a few conditions joined by "or", and each of these consists of simple
    conditions joined by "and".

    Parameters
    ----------
    model : object
        A fitted classifier, as in `export_c`.
    X : array-like of shape (n_samples, n_features)
        Samples, which show the values of the inputs, and on which the rules are compared with the
        network.
    feature_names : sequence of str, default=None
        Names of the columns of X; by default those that `model` was fitted with, else x0, x1, ...
    class_names : sequence of str, default=None
        Names of the classes in the order of `classes_`; by default the classes themselves.
    input_groups : array-like of shape (n_features,) or callable, default=None
        A label for each column, or a function that returns the labels for the names. Columns with
        the same label are one variable that is one-hot encoded, so that at most one of them is 1.
        If the name of a column begins with the label, the rest is the name of the value: column
        a5_4 with label a5 is the value 4. None means that a column is a variable on its own.

    Returns
    -------
    str
        A few lines for each class, and the number of samples of X for which the rules agree with
        the network.

    Raises
    ------
    TypeError
        If `model` is not a supported classifier, or one of its steps cannot be folded.
    ValueError
        If the network reads more than 12 inputs, if an input has more than 12 values, if there are
        more than 5,000 combinations of values, or if names or groups do not fit X.
    sklearn.exceptions.NotFittedError
        If `model` is not fitted.

    See Also
    --------
    export_text : Write the network as formulae.

    References
    ----------
    Brayton, R. K., Hachtel, G. D., McMullen, C. T. and Sangiovanni-Vincentelli, A. L. (1984). Logic
    minimization algorithms for VLSI synthesis. Kluwer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.export import export_rules
    >>> X = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)] * 5)
    >>> y = np.where(X[:, 0] & X[:, 2], "both", "not both")
    >>> clf = OBSPrunedMLPClassifier((4,), solver="lbfgs", random_state=0, target_sparsity=0.5)
    >>> print(export_rules(clf.fit(X, y), X, feature_names=["rain", "noise", "wind"]))
    both if
        rain is 1 and wind is 1
    not both if
        wind is 0
        or rain is 0
    agrees with the network on 40 of 40 samples
    """
    net = folded(model)
    if net.classes is None:
        raise TypeError("Got a regression, but rules are for classes. Use export_text.")
    samples = check_array(X, dtype=np.float64)
    if samples.shape[1] != net.n_features:
        raise ValueError(
            f"Got X with {samples.shape[1]} columns, but the model has {net.n_features}."
        )
    names = names_of_features(net, feature_names)
    classes = names_of_classes(net, class_names)
    read = np.flatnonzero((net.network.coefs[0] != 0).any(axis=1))
    variables = variables_of(read, samples, names, input_groups)
    every = combinations(variables)
    rows = np.zeros((len(every), net.n_features))
    for axis, variable in enumerate(variables):
        rows[:, variable.columns] = variable.values[every[:, axis]]
    n_states = [len(variable.states) for variable in variables]
    found = _decided(net, rows)
    cubes = [cover(every, of_class, n_states) for of_class in found.T]
    lines = []
    for name, alternatives in zip(classes, cubes, strict=True):
        lines += _rule(name, alternatives, variables)
    agreeing, n = _agreement(cubes, variables, samples, _decided(net, samples))
    return "\n".join([*lines, f"agrees with the network on {agreeing} of {n} samples"])


def _decided(net, X):
    """Whether the network predicts each class for each sample: bool of shape (n, n_classes)."""
    p = forward(net.network, X)[-1]
    if net.kind == "classes":
        return p.argmax(axis=1)[:, None] == np.arange(len(net.classes))
    if net.kind == "binary":
        if len(net.classes) == 1:
            return np.ones((len(X), 1), bool)
        return np.hstack([p <= 0.5, p > 0.5])
    return p > 0.5


def _rule(name, cubes, variables):
    if not cubes:
        return [f"{name} never"]
    conditions = [_condition(cube, variables) for cube in cubes]
    if not all(conditions):  # one of them is always true
        return [f"{name} always"]
    return [f"{name} if", f"    {conditions[0]}", *(f"    or {c}" for c in conditions[1:])]


def _condition(cube, variables):
    """A cube as text, with the condition that excludes least first; "" if it is always true."""
    parts = []
    for states, variable in zip(cube, variables, strict=True):
        inside = [v for k, values in enumerate(variable.states) if k in states for v in values]
        outside = [v for k, values in enumerate(variable.states) if k not in states for v in values]
        if not outside:
            continue
        said = " or ".join(inside)
        if len(outside) < len(inside):
            said = f"not {outside[0]}" if len(outside) == 1 else f"neither {' nor '.join(outside)}"
        parts.append((len(outside) / (len(outside) + len(inside)), f"{variable.name} is {said}"))
    return " and ".join(text for _, text in sorted(parts, key=lambda part: part[0]))


def _agreement(cubes, variables, X, decided):
    """Number of samples for which the rules agree with the network, and number of samples."""
    states = np.column_stack(
        [variable.states_of(X) for variable in variables] or [np.zeros(len(X))]
    )
    agrees = np.ones(len(X), bool)
    for alternatives, expected in zip(cubes, decided.T, strict=True):
        said = np.zeros(len(X), bool)
        for cube in alternatives:
            inside = np.ones(len(X), bool)
            for axis, allowed in enumerate(cube):
                inside &= np.isin(states[:, axis], list(allowed))
            said |= inside
        agrees &= said == expected
    return int(agrees.sum()), len(X)
