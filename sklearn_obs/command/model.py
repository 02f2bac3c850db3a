"""The network for a table: its Pipeline, the sparsity that cross-validation chooses, baselines."""

import warnings
from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from sklearn_obs.estimators import OBSPrunedMLPClassifier, OBSPrunedMLPCV, OBSPrunedMLPRegressor

FOLDS = 5


def split(table, seed):
    """(X, X_test, y, y_test), with a quarter held out, stratified by class if rows allow it."""
    X, y = table.X(), table.y
    stratify = y if by_class(table) else None
    return train_test_split(X, y, test_size=_n_test(y), random_state=seed, stratify=stratify)


def by_class(table):
    """Whether a quarter of each class is held out, instead of a quarter of all rows."""
    if not table.classification:
        return False
    counts, n_test = np.unique(table.y, return_counts=True)[1], _n_test(table.y)
    return counts.min() > 1 and len(counts) <= min(n_test, len(table.y) - n_test)


def _n_test(y):
    return -(-len(y) // 4)


def dense_model(table, options):
    """The model to fit: scaled columns, and the dense network that is to be pruned."""
    estimator = OBSPrunedMLPClassifier if table.classification else OBSPrunedMLPRegressor
    net = estimator(
        options.hidden,
        target_sparsity=0,
        alpha=options.alpha,
        max_iter=1000,
        n_iter_no_change=20,
        random_state=options.seed,
    )
    if options.class_weight:
        net.set_params(class_weight=options.class_weight)
    return _on_targets(table, _behind(table, net))


def _behind(table, net):
    """A Pipeline that prepares the table's columns and ends in the estimator `net`."""
    numbers = [StandardScaler()]
    if table.gaps:
        numbers.append(SimpleImputer())  # by the means of scaled columns
    if not table.text:
        return make_pipeline(*numbers, net)
    rest = [name for name in table.columns if name not in table.words]
    parts = [(OneHotEncoder(handle_unknown="ignore", sparse_output=False), table.text)]
    if rest:
        parts.append((make_pipeline(*numbers), rest))
    return make_pipeline(make_column_transformer(*parts), net)


def _on_targets(table, pipeline):
    if table.classification:
        return pipeline
    return TransformedTargetRegressor(pipeline, transformer=StandardScaler())


def pipeline_of(model):
    """The Pipeline in the model."""
    return getattr(model, "regressor_", model)


def parts(model, X, y):
    """The network, and the rows and targets as the network gets them."""
    pipeline = pipeline_of(model)
    if pipeline is not model:
        y = model.transformer_.transform(y[:, None]).ravel()
    return pipeline[-1], pipeline[:-1].transform(X), y


def fitted(model, X, y):
    """The model after `fit`, whether or not its training has converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def baselines(table, X, y, class_weight):
    """Fitted models by name: a constant prediction, and a linear model of the same columns."""
    if table.classification:
        classes, counts = np.unique(y, return_counts=True)
        constant = f"always {str(classes[counts.argmax()])!r}", DummyClassifier(strategy="prior")
        logistic = LogisticRegression(max_iter=1000, class_weight=class_weight)
        linear = "logistic regression", logistic
    else:
        constant = "always the mean", DummyRegressor()
        linear = "ridge regression", Ridge()
    return {
        name: fitted(_on_targets(table, _behind(table, model)), X, y)
        for name, model in (constant, linear)
    }


def cross_validated(model, X, y, class_weight, *, verbose):
    """A fitted search, which has chosen the sparsity by cross-validation on these rows.

    Its score is the log loss, which distinguishes even networks that predict the same class for
    every row, or the squared error.
    """
    options = {"refit": False, "n_jobs": -1, "verbose": verbose}
    if isinstance(model, Pipeline):
        classes, counts = np.unique(y, return_counts=True)
        options["scoring"] = partial(minus_log_loss, classes=classes, class_weight=class_weight)
        folds = min(FOLDS, counts.max())
        options["cv"] = StratifiedKFold(folds) if folds > 1 else KFold(2)
    else:
        y = StandardScaler().fit_transform(y[:, None]).ravel()
        model = model.regressor
        options["scoring"], options["cv"] = "neg_mean_squared_error", KFold(FOLDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # a class with fewer rows than folds is in some folds only
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return OBSPrunedMLPCV(clone(model), **options).fit(X, y)


def minus_log_loss(model, X, y, classes, class_weight):
    """The negative log loss, with probability 0 for classes that the model has not seen.

    Rows are weighted as in training: by `class_weight`, None or 'balanced'.
    """
    p = np.zeros((len(y), len(classes)))
    known = model.predict_proba(X) if len(model.classes_) > 1 else np.ones((len(y), 1))
    p[:, np.searchsorted(classes, model.classes_)] = known
    weights = compute_sample_weight(class_weight, y)
    return -log_loss(y, p, labels=classes, sample_weight=weights)
