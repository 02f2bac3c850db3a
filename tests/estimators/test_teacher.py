"""A teacher in place of the dense network: the same bits if it is that, else out of fold."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from small_nets import ESTIMATORS, assert_same, small

from sklearn_obs import (
    OBSPrunedMLPClassifier,
    OBSPrunedMLPCV,
    OBSPrunedMLPRegressor,
    input_importances,
    obs_pruning_path,
)
from sklearn_obs.estimators.teacher import FOLDS, Asked, taught

FOREST = RandomForestClassifier(10, random_state=0)
CLASSES = Asked("classes", np.arange(3), 3)
TARGETS = {
    "classes": lambda X, y: np.array(["x", "y", "z"])[y],
    "binary": lambda X, y: y == 1,
    "one class": lambda X, y: np.zeros(len(y), int),
    "label sets": lambda X, y: np.c_[y == 0, y < 2, X[:, 0] > 0].astype(int),
    "values": lambda X, y: X[:, 0] * X[:, 1],
    "several values": lambda X, y: X[:, :2] + y[:, None],
}


def class_for(kind):
    return OBSPrunedMLPRegressor if "values" in kind else OBSPrunedMLPClassifier


def dense(estimator):
    """scikit-learn's network that `fit` would train first."""
    names = ("hidden_layer_sizes", "max_iter", "random_state")
    return estimator._dense_class(**{name: getattr(estimator, name) for name in names})


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("parameters", [{}, {"criterion": "movement"}, {"curvature": "hessian"}])
def test_the_dense_network_as_a_frozen_teacher_changes_nothing(iris, kind, dtype, parameters):
    X, y = iris
    X, y = X.astype(dtype), TARGETS[kind](X, y)
    estimator = small(class_for(kind), **parameters)
    teacher = FrozenEstimator(dense(estimator).fit(X, y))
    plain, imitating = estimator.fit(X, y), clone(estimator).set_params(teacher=teacher).fit(X, y)
    assert_same(plain, imitating)
    without_labels = [est.prune(X, target_sparsity=0.7) for est in (plain, imitating)]
    assert_same(*without_labels)


@pytest.mark.parametrize("kind", TARGETS)
def test_a_forest_teaches_every_kind_of_target(iris, kind):
    X, y = iris
    y = TARGETS[kind](X, y)
    forest = RandomForestRegressor if "values" in kind else RandomForestClassifier
    estimator = small(class_for(kind), teacher=forest(5))  # seeded by the estimator's own seed
    first, second = clone(estimator).fit(X, y), clone(estimator).fit(X, y)
    assert_same(first, second)
    if kind != "one class":  # of which everybody says the same
        labels = clone(estimator).set_params(teacher=None).fit(X, y)
        assert any((a != b).any() for a, b in zip(first.coefs_, labels.coefs_, strict=True))


def test_out_of_fold_predictions_are_those_of_scikit_learn(iris):
    X, y = iris
    folds = KFold(FOLDS, shuffle=True, random_state=7)
    p0 = taught(FOREST, CLASSES, X, y, None, 7)
    assert_array_equal(p0, cross_val_predict(FOREST, X, y, cv=folds, method="predict_proba"))
    values = Asked("values", None, 2)
    p0 = taught(Ridge(), values, X, X[:, :2], None, 7)
    assert_array_equal(p0, cross_val_predict(Ridge(), X, X[:, :2], cv=folds))


def test_the_outputs_for_a_sample_do_not_depend_on_its_label(iris):
    X, y = iris
    p0 = taught(FOREST, CLASSES, X, y, None, 0)
    for row in range(0, len(y), 10):
        flipped = y.copy()
        flipped[row] = (y[row] + 1) % 3
        others = taught(FOREST, CLASSES, X, flipped, None, 0)
        assert_array_equal(others[row], p0[row])
        assert (others != p0).any()  # but on those of the others


def test_a_class_that_a_fold_lacks_has_probability_0(iris):
    X, y = iris
    y = np.where(y == 2, 1, y)
    y[3] = 2  # once: the fold that is asked about it has not seen it
    p0 = taught(FOREST, CLASSES, X, y, None, 0)
    assert p0[3, 2] == 0
    assert p0[:, 2].max() > 0
    np.testing.assert_allclose(p0.sum(axis=1), 1)


class Recording(ClassifierMixin, BaseEstimator):
    """Says the share of each class, and notes in a list what `fit` got."""

    seen = []  # noqa: RUF012  (clones are to share it)

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.seen.append((X, y, sample_weight))
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def test_a_teacher_is_not_asked_where_there_is_nothing_to_remove(iris):
    model = small(teacher=Recording()).fit(*iris)
    Recording.seen.clear()
    model.prune(*iris, target_sparsity=model.sparsity_)
    assert not Recording.seen
    model.prune(*iris, target_sparsity=model.sparsity_ + 0.1)
    assert len(Recording.seen) == FOLDS


def test_weights_and_names_reach_the_teacher(iris):
    X, y = iris
    X = pd.DataFrame(X, columns=list("abcd"))
    weight = np.arange(len(y)) % 3 / 2
    Recording.seen.clear()
    small(teacher=Recording()).fit(X, y, sample_weight=weight)
    assert len(Recording.seen) == FOLDS
    for rows, targets, weights in Recording.seen:
        assert list(rows.columns) == list("abcd")
        at = rows.index.to_numpy()  # samples of weight 0 are dropped before
        assert_array_equal(targets, y[at])
        assert_array_equal(weights, weight[at])
        assert (weights > 0).all()
    small(teacher=make_pipeline(StandardScaler(), FOREST)).fit(X, y, sample_weight=weight)


def test_two_calls_are_one_and_levels_are_fits(iris):
    X, y = iris
    net = small(teacher=FOREST)
    whole = clone(net).set_params(step=10, target_sparsity=40 / 69).fit(X, y)
    parts = clone(net).set_params(step=10, target_sparsity=20 / 69).fit(X, y)
    assert_same(parts.prune(X, y, target_sparsity=40 / 69), whole)
    path = obs_pruning_path(net, X, y, sparsities=[0.2, 0.5])
    alone = clone(net).set_params(target_sparsity=0.5).fit(X, y)
    for a, b in zip(path.coefs[1], alone.coefs_, strict=True):
        assert_array_equal(a, b)
    search = OBSPrunedMLPCV(net, sparsities=[0.2, 0.5], cv=2, selection="best").fit(X, y)
    grid = GridSearchCV(net, {"target_sparsity": [0.2, 0.5]}, cv=2).fit(X, y)
    assert_array_equal(search.scores_[1], grid.cv_results_["split1_test_score"])


def test_importances_ask_the_teacher_where_targets_count(iris):
    X, y = iris
    for curvature in ("ggn", "hessian"):
        net = small(teacher=FOREST, curvature=curvature).fit(X, y)
        assert_array_equal(input_importances(net, X, y).importances_mean, net.feature_importances_)


def test_search_clone_and_pickle(iris):
    X, y = iris
    grid = {"teacher": [None, FOREST, LogisticRegression()], "distillation": [0.5, 1]}
    search = GridSearchCV(small(), grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 6
    net = small(teacher=FOREST).set_params(teacher__max_depth=2).fit(X, y)
    assert clone(net).teacher.max_depth == 2
    assert not hasattr(net.teacher, "classes_")  # copies of it were fitted
    assert_array_equal(pickle.loads(pickle.dumps(net)).predict_proba(X), net.predict_proba(X))


@pytest.mark.parametrize("frozen", [False, True])
def test_prune_on_some_of_the_classes(iris, frozen):
    """The teacher is asked for the network's classes, whichever there are in this call."""
    X, y = iris
    teacher = FrozenEstimator(clone(FOREST).fit(X, y)) if frozen else FOREST
    net = small(teacher=teacher, target_sparsity=0.3, curvature="hessian").fit(X, y)
    few = y < 2
    net.prune(X[few], y[few], target_sparsity=0.5)
    assert input_importances(net, X[few], y[few]).importances_mean.shape == (4,)
    binary = small(teacher=FOREST, target_sparsity=0.3, max_iter=100).fit(X, y == 0)
    one = y == 0
    before = binary.predict_proba(X[one])[:, 1].mean()
    after = binary.prune(X[one], one[one], target_sparsity=0.5).predict_proba(X[one])[:, 1].mean()
    assert after > 0.8 * before  # out of fold, a forest knows one class, which is this one


@pytest.mark.parametrize("form", ["column", "frame", "sparse label sets"])
def test_forms_of_y(iris, form):
    X, y = iris
    sets = np.c_[y == 0, y < 2].astype(int)
    given, plain = {
        "column": (y[:, None], y),
        "frame": (pd.DataFrame({"y": y}), y),
        "sparse label sets": (csr_array(sets), sets),
    }[form]
    counts = []
    for teacher in (None, FOREST):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            net = small(teacher=teacher).fit(X, given)
        counts.append(sum("column-vector" in str(w.message) for w in caught))
    assert counts[0] == counts[1]  # scikit-learn's own network warns of it
    assert_same(net, small(teacher=FOREST).fit(X, plain))


def test_weights_reach_the_last_step_of_a_pipeline(iris):
    X, y = iris
    weight = 1.0 + np.arange(len(y)) % 3
    Recording.seen.clear()
    small(teacher=make_pipeline(StandardScaler(), Recording())).fit(X, y, sample_weight=weight)
    assert all(weights is not None for *_, weights in Recording.seen)


@pytest.mark.parametrize(
    ("taught_on", "kind", "message"),
    [
        ("binary", "label sets", "of classes, but the network's targets are label sets"),
        ("classes", "label sets", "of classes, but the network's targets are label sets"),
        ("label sets", "classes", "of label sets, but the network's targets are classes"),
    ],
)
def test_teachers_of_another_kind_of_target(iris, taught_on, kind, message):
    X, y = iris
    mlp = MLPClassifier((3,), solver="lbfgs", max_iter=500, random_state=0)
    teacher = FrozenEstimator(mlp.fit(X, TARGETS[taught_on](X, y)))
    target = y if kind == "classes" else TARGETS[kind](X, y)
    with pytest.raises(ValueError, match=message):
        small(teacher=teacher).fit(X, target[:, :2] if taught_on == "binary" else target)


def test_errors_of_a_teacher_name_it(iris):
    X, y = iris
    with pytest.raises(
        ValueError, match="a LogisticRegression, cannot be fitted and predict out of"
    ):
        small(teacher=LogisticRegression()).fit(X, TARGETS["label sets"](X, y))


def test_a_compact_network_has_no_teacher(iris):
    X, y = iris
    net = small(teacher=FOREST).fit(X, y)
    tiny = net.compact(drop_inputs=True)
    assert tiny.teacher is None
    assert net.teacher is FOREST
    assert_array_equal(tiny.predict(X[:, net.inputs_]), net.predict(X))
    tiny.prune(X[:, net.inputs_], y, target_sparsity=0.7)


REFUSED = [
    ({"teacher": RandomForestClassifier}, "expected None or an estimator with `fit`"),
    ({"teacher": 3}, "Got teacher: a int, but expected None or an estimator"),
    ({"teacher": FOREST, "distillation": 0}, "a RandomForestClassifier, with distillation=0"),
    ({"teacher": LinearSVC()}, "a LinearSVC, without `predict_proba`.*CalibratedClassifierCV"),
    ({"teacher": MLPRegressor(max_iter=1)}, "a MLPRegressor, without `predict_proba`"),
]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # a teacher is hardly trained
@pytest.mark.parametrize("parameters, message", REFUSED)
def test_teachers_that_cannot_teach(iris, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(*iris)


def test_frozen_teachers_of_other_samples_are_refused_before_training(iris, monkeypatch):
    X, y = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    monkeypatch.setattr(OBSPrunedMLPClassifier._dense_class, "fit", None)
    cases = [
        (FOREST, X[:, :3], y, X, "a RandomForestClassifier, cannot predict for X: X has 4"),
        (FOREST, frame, y, frame[list("bacd")], "cannot predict for X: The feature names"),
        (
            FOREST,
            X,
            y + 1,
            X,
            r"of the classes \[1, 2, 3\], but the network has the classes \[0, 1, 2\]",
        ),
        (FOREST, X, np.c_[y, y] % 2, X, "but the network has the classes"),
    ]
    for forest, X_taught, y_taught, X_seen, message in cases:
        teacher = FrozenEstimator(clone(forest).fit(X_taught, y_taught))
        with pytest.raises(ValueError, match=message):
            small(teacher=teacher).fit(X_seen, y)
    with pytest.raises(NotFittedError):
        small(teacher=FrozenEstimator(FOREST)).fit(X, y)


def test_several_values_need_a_teacher_of_as_many(iris):
    X, y = iris
    teacher = FrozenEstimator(Ridge().fit(X, y))
    with pytest.raises(ValueError, match="a Ridge, with 1 outputs, but the network has 2"):
        small(OBSPrunedMLPRegressor, teacher=teacher).fit(X, X[:, :2])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_without_labels_a_teacher_has_to_be_frozen(iris, cls):
    X, y = iris
    forest = (RandomForestClassifier if cls is OBSPrunedMLPClassifier else RandomForestRegressor)(5)
    net = small(cls, teacher=forest, target_sparsity=0.3).fit(X, y)
    with pytest.raises(ValueError, match=r"Got no y with a teacher.*FrozenEstimator"):
        net.prune(X, target_sparsity=0.6)
    net.set_params(teacher=FrozenEstimator(forest.fit(X, y))).prune(X, target_sparsity=0.6)
    assert net.sparsity_ > 0.5


def test_a_single_sample_cannot_be_asked_out_of_fold():
    with pytest.raises(ValueError, match="and one sample, but out-of-fold predictions need two"):
        small(OBSPrunedMLPRegressor, teacher=Ridge()).fit([[1.0, 2.0]], [3.0])


def test_predictions_have_to_be_finite(iris):
    X, y = iris
    teacher = Ridge().fit(X, y)
    teacher.coef_ = np.full(4, np.inf)
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="are not all finite"):
        small(OBSPrunedMLPRegressor, teacher=FrozenEstimator(teacher)).fit(X, y)
