"""`export_text`: the equations of a small network for reading, typesetting, or evaluation."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from sklearn_obs.export.folding import folded
from sklearn_obs.export.formula import latex, plain, python
from sklearn_obs.export.formula.equations import equations_of

STYLES = {"text": plain.lines, "latex": latex.lines, "python": python.lines}


def export_text(
    model: Any,
    *,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    decimals: int = 3,
    style: str = "text",
) -> str:
    """Write a small network as formulae, one for each remaining unit and each output.

    Scalers of a Pipeline are folded in, so that the formulae take X without scaling. Units and
    weights that do not affect the output are left out. The others keep their numbers, which count
    from 1 as in `NetworkDisplay`: h3 is the third unit of the only hidden layer, and h2_3 that of
    the second layer.

    Parameters
    ----------
    model : object
        A fitted model, as in `export_c`.
    feature_names : sequence of str, default=None
        Names of the columns of X; by default those that `model` was fitted with, else x0, x1, ...
    class_names : sequence of str, default=None
        Names of the classes in the order of `classes_` (for label sets, names of the labels); by
        default the classes themselves.
    decimals : int, default=3
        Digits after the decimal point. Numbers below 0.1 have this many significant digits instead,
        because a feature with large values may have a small weight. 'python' ignores it.
    style : {'text', 'latex', 'python'}, default='text'
        'text' is for reading. 'latex' writes each formula as a line of LaTeX that matplotlib's
        mathtext can read, too. 'python' writes a function of an array that needs only NumPy and has
        all digits: `predict_proba` for a classifier, or `predict` for a regressor.

    Returns
    -------
    str
        The lines, without a newline at the end.

    Raises
    ------
    TypeError
        If `model` is not supported, or one of its steps cannot be folded.
    ValueError
        If `style` is unknown, `decimals` is not an int >= 0, there are not as many names as columns
        or classes, two columns have the same name, or the network has more than 500 weights.
    sklearn.exceptions.NotFittedError
        If `model` is not fitted.

    See Also
    --------
    export_rules : Write the classes as rules, for inputs with few values.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.export import export_text
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((3,), solver="lbfgs", alpha=0.1, random_state=0)
    >>> model = make_pipeline(StandardScaler(), clf.set_params(target_sparsity=0.7)).fit(X, y)
    >>> text = export_text(model, feature_names=["sepal l", "sepal w", "petal l", "petal w"])
    >>> text.splitlines()[-1]
    'class = the one with the largest z'
    """
    if style not in STYLES:
        raise ValueError(
            f"Got style={style!r}, but expected one of {', '.join(map(repr, STYLES))}."
        )
    if not isinstance(decimals, Integral) or isinstance(decimals, bool) or decimals < 0:
        raise ValueError(f"Got decimals={decimals!r}, but expected an int >= 0.")
    net = folded(model)
    names = names_of_features(net, feature_names)
    classes = names_of_classes(net, class_names)
    lines = STYLES[style](equations_of(net, names, classes), int(decimals))
    return "\n".join(lines)


def names_of_features(net, feature_names):
    """The given names of columns, or those of the model, or x0, x1, ...

    Raises
    ------
    ValueError
        If there are not as many names as columns, or two of them are the same.
    """
    names = net.feature_names if feature_names is None else list(map(str, feature_names))
    names = names or [f"x{j}" for j in range(net.n_features)]
    if len(names) != net.n_features:
        raise ValueError(f"Got {len(names)} feature_names, but expected {net.n_features}.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"Got feature_names with {twice!r} more than once. Rename one of them.")
    return names


def names_of_classes(net, class_names):
    """The given names of classes, or the classes as strings; None for a regression.

    Raises
    ------
    ValueError
        If there are not as many names as classes, or there are names for a regression.
    """
    if net.classes is None:
        if class_names is not None:
            raise ValueError("Got class_names, but a regression has no classes. Leave them out.")
        return None
    names = [str(name) for name in (net.classes if class_names is None else class_names)]
    if len(names) != len(net.classes):
        raise ValueError(f"Got {len(names)} class_names, but expected {len(net.classes)}.")
    return names
