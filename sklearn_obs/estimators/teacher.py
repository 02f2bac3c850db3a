"""A teacher: an estimator whose outputs are imitated in place of those of the dense network.

The predictions of a `FrozenEstimator` are used directly. Any other teacher predicts out of fold:
the samples are divided into K parts, and a copy of the teacher is fitted on the other parts before
it predicts for one. Its predictions for its own training samples would mostly repeat their labels::

    p0[S_k] = prediction for X[S_k] of a teacher fitted on all samples but S_k     k = 1 ... K

The parts are drawn without y, so the prediction for a sample never depends on its label.

References
----------
Wolpert, D. H. (1992). Stacked generalization. Neural Networks 5.
Bucila, C., Caruana, R. and Niculescu-Mizil, A. (2006). Model compression. KDD.
Hinton, G., Vinyals, O. and Dean, J. (2015). Distilling the knowledge in a neural network. NIPS Deep
Learning Workshop.
"""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from sklearn_obs.estimators.rows import rows_of

FOLDS = 5


@dataclass(frozen=True)
class Asked:
    """The outputs that a network needs from a teacher."""

    kind: str  # "classes", "labels" (label sets), "values" or "counts" (never negative)
    classes: np.ndarray | None  # (n_classes,) in the order of the network's outputs
    n_outputs: int


def taught(teacher, asked: Asked, X, y, sample_weight, seed) -> np.ndarray:
    """The outputs of the teacher for the samples, out of fold unless it is frozen.

    Parameters
    ----------
    teacher : estimator
    asked : Asked
        The outputs that are needed.
    X : array-like of shape (n_samples, n_features)
        As the user passed it, so that a data frame keeps its column names.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), or None
    sample_weight : ndarray of shape (n_samples,), or None
        Passed to the `fit` of the teacher if it accepts weights.
    seed : int
        The seed for the folds, and for each `random_state` of the teacher that is None.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs)

    Raises
    ------
    ValueError
        If the teacher cannot be used on these samples, or its outputs do not match the network's.
    sklearn.exceptions.NotFittedError
        If a frozen teacher is not fitted.
    """
    if is_frozen(teacher):
        check_is_fitted(teacher)
        with _named_in_errors(teacher, "predict for X"):
            return outputs_of_teacher(teacher, asked, X)
    n_samples = y.shape[0]
    if n_samples < 2:
        raise ValueError(
            f"Got a teacher, {named(teacher)}, and one sample, but out-of-fold predictions need "
            "two samples. Fit the teacher and wrap it in sklearn.frozen.FrozenEstimator."
        )
    weights = _name_of_weights(teacher) if sample_weight is not None else None
    p0 = np.empty((n_samples, asked.n_outputs))
    folds = KFold(min(FOLDS, n_samples), shuffle=True, random_state=seed)
    for rest, part in folds.split(p0):
        copy = _seeded(clone(teacher), seed)
        weighted = {weights: sample_weight[rest]} if weights else {}
        with _named_in_errors(teacher, f"be fitted and predict out of fold, in {FOLDS} parts"):
            copy.fit(rows_of(X, rest), rows_of(y, rest), **weighted)
            p0[part] = outputs_of_teacher(copy, asked, rows_of(X, part))
    return p0


def _name_of_weights(teacher):
    """Name of the sample weights in `fit` (of a Pipeline: for its last step), or None."""
    if has_fit_parameter(teacher, "sample_weight"):
        return "sample_weight"
    if isinstance(teacher, Pipeline) and has_fit_parameter(teacher[-1], "sample_weight"):
        return f"{teacher.steps[-1][0]}__sample_weight"
    return None


@contextmanager
def _named_in_errors(teacher, what):
    """A context manager that names the teacher in its errors."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if isinstance(error, NotFittedError) or str(error).startswith("Got"):
            raise
        raise ValueError(f"The teacher, {named(teacher)}, cannot {what}: {error}") from error


def outputs_of_teacher(teacher, asked: Asked, X) -> np.ndarray:
    """Predictions of a fitted teacher, in the order and the shape of the network's outputs."""
    if asked.kind in ("values", "counts"):
        p = np.asarray(teacher.predict(X), np.float64)
        p = p.reshape(len(p), -1)
    else:
        p = (_of_labels if asked.kind == "labels" else _of_classes)(teacher, asked, X)
        n_axes = 2 if asked.kind == "labels" else 1
        if hasattr(teacher, "predict"):
            n_axes = len(np.shape(teacher.predict(rows_of(X, [0]))))
        if n_axes != (2 if asked.kind == "labels" else 1):
            raise ValueError(
                f"Got a teacher, {named(teacher)}, of {'classes' if n_axes == 1 else 'label sets'}"
                f", but the network's targets are {asked.kind.replace('labels', 'label sets')}. "
                "Pass a teacher for the same targets."
            )
    if p.shape[1] != asked.n_outputs:
        raise ValueError(
            f"Got a teacher, {named(teacher)}, with {p.shape[1]} outputs, but the network has "
            f"{asked.n_outputs}. Pass a teacher that was fitted on targets of the same shape."
        )
    if not np.isfinite(p).all():
        raise ValueError(
            f"Got a teacher, {named(teacher)}, but its predictions for X are not all finite. Pass "
            "another teacher, or scale X."
        )
    if asked.kind == "counts" and p.min() < 0:
        raise ValueError(
            f"Got a teacher, {named(teacher)}, with the prediction {p.min():.4g} and "
            "loss='poisson', but expected no negative predictions. Use a teacher for counts, such "
            "as a tree or a PoissonRegressor."
        )
    return p


def _of_classes(teacher, asked, X):
    """Probabilities of the network's classes; 0 for classes that the teacher has not seen."""
    p = np.asarray(_probabilities(teacher, X))
    classes = [] if p.ndim != 2 else np.asarray(teacher.classes_).tolist()
    place = {value: i for i, value in enumerate(asked.classes.tolist())}
    unknown = [value for value in classes if value not in place]
    if unknown or not classes:
        raise ValueError(
            f"Got a teacher, {named(teacher)}, of the classes {classes[:10]}, but the network has "
            f"the classes {list(place)[:10]}. Pass a teacher with the same classes, or fewer."
        )
    if len(place) == 1:  # the network's output is the probability of the class that is missing
        return p[:, 1:] if p.shape[1] == 2 else np.zeros((len(p), 1))
    of_all = np.zeros((len(p), len(place)))
    of_all[:, [place[value] for value in classes]] = p
    return of_all if asked.n_outputs > 1 else of_all[:, 1:]


def _of_labels(teacher, asked, X):
    """Probability of each label, from a teacher that returns one array or one for each label."""
    p = _probabilities(teacher, X)
    if not isinstance(p, list):
        return np.asarray(p)
    columns = []
    for of_label, classes in zip(p, teacher.classes_, strict=True):
        (at,) = np.nonzero(np.asarray(classes) == 1)
        columns.append(of_label[:, at[0]] if at.size else np.zeros(len(of_label)))
    return np.column_stack(columns)


def _probabilities(teacher, X):
    if not hasattr(teacher, "predict_proba"):
        raise ValueError(
            f"Got a teacher, {named(teacher)}, without `predict_proba`, but a classifier imitates "
            "probabilities. Pass a classifier with `predict_proba`: some have it as an option, and "
            "others can be wrapped in sklearn.calibration.CalibratedClassifierCV."
        )
    return teacher.predict_proba(X)


def _seeded(teacher, seed):
    """The teacher, with every `random_state` that is None set to the seed."""
    unset = {
        name: seed
        for name, value in teacher.get_params(deep=True).items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    return teacher.set_params(**unset)


def is_frozen(teacher) -> bool:
    """Whether the teacher is used as it is, without being fitted."""
    return isinstance(teacher, FrozenEstimator)


def named(teacher) -> str:
    """The class of the teacher with an article, such as 'a RandomForestClassifier'."""
    if isinstance(teacher, FrozenEstimator):
        teacher = teacher.estimator
    return f"a {type(teacher).__name__}"
