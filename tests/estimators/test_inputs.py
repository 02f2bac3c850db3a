"""Trouble with inputs: what raises, and with which words; what warns; what just works."""

import re
import warnings
from copy import copy, deepcopy

import numpy as np
import pytest
from scipy.linalg import LinAlgError
from scipy.sparse import csr_array
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV, OBSPrunedMLPRegressor

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, "retrain_epochs": 1}
ESTIMATORS = [OBSPrunedMLPClassifier, OBSPrunedMLPRegressor]


def data():
    X, y = make_classification(60, 5, n_informative=4, n_redundant=0, random_state=0)
    return X, y


def small(cls=OBSPrunedMLPClassifier, **parameters):
    return cls(**{**SMALL, "target_sparsity": 0.5, **parameters})


def calls(cls):
    """fit, and prune of a fitted network."""
    return [small(cls).fit, small(cls, target_sparsity=0.1).fit(*data()).prune]


def assert_finite(estimator, X):
    for a in (*estimator.coefs_, *estimator.intercepts_):
        assert np.isfinite(a).all()
    assert np.isfinite(estimator.loss_)
    assert np.isfinite(getattr(estimator, "predict_proba", estimator.predict)(X)).all()


# Raise


@pytest.mark.parametrize("value, word", [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_X_not_finite(cls, value, word):
    X, y = data()
    bad = X.copy()
    bad[3, 2] = value
    for call in calls(cls):
        with pytest.raises(ValueError, match=f"Input X contains {word}"):
            call(bad, y)
    fitted = small(cls).fit(X, y)
    for method in (fitted.predict, fitted.transform):
        with pytest.raises(ValueError, match=f"Input X contains {word}"):
            method(bad)


@pytest.mark.parametrize("value, word", [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_y_not_finite(cls, value, word):
    X, y = data()
    y = y.astype(float)
    y[3] = value
    for call in calls(cls):
        with pytest.raises(ValueError, match=f"Input y contains {word}"):
            call(X, y)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_no_rows(cls):
    X, y = data()
    for call in calls(cls):
        with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
            call(X[:0], y[:0])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_no_columns(cls):
    X, y = data()
    with pytest.raises(ValueError, match=r"0 feature\(s\) \(shape=\(60, 0\)\)"):
        small(cls).fit(X[:, :0], y)


NO_CLASSES = {
    "continuous": lambda X, y: X[:, 0],
    "continuous-multioutput": lambda X, y: X[:, :2],
    "multiclass-multioutput": lambda X, y: np.column_stack([y, y + 1]),
    "unknown": lambda X, y: np.where(y, "a", np.array(1, object)),
}
REMEDY = {
    "continuous": "For numbers, use OBSPrunedMLPRegressor",
    "continuous-multioutput": "For numbers, use OBSPrunedMLPRegressor",
    "multiclass-multioutput": "use MultiOutputClassifier",
    "unknown": "Convert all of them to strings",
}


@pytest.mark.parametrize("kind", NO_CLASSES)
@pytest.mark.parametrize("n_times", [1, 200])
def test_targets_of_a_classifier_that_are_no_classes(kind, n_times):
    X, y = (np.concatenate([a] * n_times) for a in data())
    fitted, bad = small().fit(*data()), NO_CLASSES[kind](X, y)
    search = OBSPrunedMLPCV(small(), sparsities=2, cv=2)
    for call in (small().fit, fitted.prune, search.fit):
        with pytest.raises(ValueError) as error:
            call(X, bad)
        message = str(error.value)
        assert message.startswith(f"Unknown label type: {kind}. Got y with values such as")
        assert len(message) < 300 and REMEDY[kind] in message and "\n" not in message


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_other_width(cls):
    X, y = data()
    fitted = small(cls).fit(X, y)
    message = f"X has 3 features, but {cls.__name__} is expecting 5 features as input"
    for method in (fitted.predict, fitted.transform, lambda X: fitted.prune(X, y)):
        with pytest.raises(ValueError, match=message):
            method(X[:, :3])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_other_length_of_y(cls):
    X, y = data()
    for call in calls(cls):
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[60, 59\]"):
            call(X, y[:-1])


NUMBER_IN_0_1 = r"a number in \[0, 1\)"
OUT_OF_RANGE = [
    ("target_sparsity", 1, NUMBER_IN_0_1),
    ("target_sparsity", -0.1, NUMBER_IN_0_1),
    ("target_sparsity", np.nan, NUMBER_IN_0_1),
    ("target_sparsity", "0.5", NUMBER_IN_0_1),
    ("target_sparsity", None, NUMBER_IN_0_1),
    ("target_sparsity", True, NUMBER_IN_0_1),
    *(("distillation", v, r"a number in \[0, 1\]") for v in (-0.1, 1.5, np.nan, "0.5", None, True)),
    ("distillation", 2, "0 means that only y counts"),
    ("weight_decay", -1e-3, r"a finite non-negative number .*or None \(the penalty of the initial"),
    *(("weight_decay", v, "a finite non-negative number") for v in (np.inf, np.nan, "0", True)),
    ("damping", -1.0, "a finite non-negative number"),
    ("damping", np.inf, "a finite non-negative number"),
    ("damping", np.nan, "a finite non-negative number"),
    ("damping", None, "a finite non-negative number"),
    ("step", 0, "an int >= 1"),
    ("step", -3, "an int >= 1"),
    ("step", 1.0, r"a float in \(0, 1\)"),
    ("step", 0.0, r"a float in \(0, 1\)"),
    ("step", np.nan, r"a float in \(0, 1\)"),
    ("step", True, "an int >= 1"),
    ("step", None, "an int >= 1"),
    ("retrain_epochs", -1, "an int >= 0"),
    ("retrain_epochs", 2.5, "an int >= 0"),
    ("retrain_epochs", "auto", "or None"),
    ("n_curvature_samples", 0, "an int >= 1"),
    ("n_curvature_samples", 0.5, "an int >= 1"),
    ("n_curvature_samples", None, "an int >= 1"),
    ("prune_intercepts", "yes", "True or False"),
    ("prune_intercepts", None, "True or False"),
    ("max_loss_increase", -0.1, r"a finite non-negative number \(relative increase of the loss\)"),
    ("max_loss_increase", np.inf, "or None"),
    ("max_loss_increase", np.nan, "or None"),
    ("n_swaps", -1, r"an int >= 0 \(0 means no swaps\)"),
    ("n_swaps", 1.5, "an int >= 0"),
    ("n_swaps", None, "an int >= 0"),
    ("n_jobs", 0, "None or an int other than 0"),
    ("n_jobs", 1.5, "None or an int other than 0"),
]


@pytest.mark.parametrize("name, value, expected", OUT_OF_RANGE)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_parameter_out_of_range(cls, name, value, expected):
    X, y = data()
    shown = str(value).replace(".", r"\.")  # 'nan', '-1.0', 'None'; quotes around strings
    message = f"Got {name}='?{shown}'?, but expected .*{expected}"
    with pytest.raises(ValueError, match=message):
        small(cls, **{name: value}).fit(X, y)
    fitted = small(cls, target_sparsity=0.1).fit(X, y).set_params(**{name: value})
    with pytest.raises(ValueError, match=message):
        fitted.prune(X, y)


@pytest.mark.parametrize("value", [1.0, -0.5, "0.9", np.nan])
def test_target_of_prune_out_of_range(value):
    fitted = small().fit(*data())
    with pytest.raises(ValueError, match=f"Got target_sparsity='?{value}'?, .*{NUMBER_IN_0_1}"):
        fitted.prune(*data(), target_sparsity=value)


@pytest.mark.parametrize(
    "name, value, known",
    [
        ("criterion", "osb", "'obs', 'obd', 'magnitude', 'layer_magnitude', 'movement', 'random'"),
        ("criterion", None, "'obs', 'obd', 'magnitude', 'layer_magnitude', 'movement', 'random'"),
        ("structure", "diagonal", "'auto', 'unit', 'layer', 'full', 'low_rank', 'kronecker'"),
        ("structure", ["unit"], "'auto', 'unit', 'layer', 'full', 'low_rank', 'kronecker'"),
        ("retrain_solver", "sgd", "'auto', 'newton', 'lbfgs', 'adam'"),
    ],
)
def test_unknown_names_list_the_known(name, value, known):
    with pytest.raises(ValueError) as error:
        small(**{name: value}).fit(*data())
    assert str(error.value) == f"Got {name}={value!r}, but expected one of {known}."


@pytest.mark.parametrize("name, value", [("solver", "newton"), ("alpha", -1), ("max_iter", 0)])
def test_dense_parameters_are_scikit_learns_to_refuse(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of MLPClassifier must be"):
        small(**{name: value}).fit(*data())


@pytest.mark.parametrize(
    "sample_weight, message",
    [
        (np.zeros(60), "sample_weight of zeros only, but expected a positive weight"),
        (np.r_[-0.5, np.ones(59)], "sample_weight with the value -0.5, but expected no negative"),
        (np.ones(59), r"inconsistent numbers of samples: \[60, 59\]"),
        (np.ones((60, 2)), r"sample_weight of shape \(60, 2\), but expected \(n_samples,\)"),
        (np.r_[np.nan, np.ones(59)], "Input sample_weight contains NaN"),
        (np.r_[np.inf, np.ones(59)], "Input sample_weight contains infinity"),
        ("balanced", "Got sample_weight='balanced', .*class_weight='balanced'"),
        (0, "sample_weight of zeros only"),
        (-2.0, "sample_weight with the value -2.0"),
        (np.array(np.nan), "Input sample_weight contains NaN"),
    ],
)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_sample_weight(cls, sample_weight, message):
    for call in calls(cls):
        with pytest.raises(ValueError, match=message):
            call(*data(), sample_weight=sample_weight)


SINGULAR = {"damping": 0, "weight_decay": 0, "activation": "tanh"}


@pytest.mark.filterwarnings("ignore:On these samples the network")  # it is hardly trained
@pytest.mark.parametrize("damping", [0, 0.05])
@pytest.mark.parametrize("structure", ["unit", "layer"])
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_units_that_no_sample_excites_go_first_for_nothing(cls, structure, damping):
    """Such a unit has rows of zeros in H, which no damping of 0 could invert."""
    X, y = data()
    fitted = small(cls, **SINGULAR, target_sparsity=0, structure=structure)
    fitted.set_params(activation="relu", damping=damping).fit(X, y)
    fitted.intercepts_[0][1] = -1e6
    fitted.prune(X, y, target_sparsity=0.5)
    path = fitted.pruning_path_
    assert set(path["removed"][:6]) == {1, 5, 9, 13, 17, 21}  # of (5, 4) and (4, 1) weights
    assert (path["saliency"][:6] == 0).all()
    assert_finite(fitted, X)


@pytest.mark.parametrize("structure", ["unit", "layer", "full"])
def test_too_few_rows_without_damping(structure):
    """H of rank 4 over more weights than that in every block: singular, up to rounding."""
    X, y = data()
    message = rf"damping=0\.0, structure='{structure}' and curvature='ggn': .*Increase `damping`"
    with pytest.raises(LinAlgError, match=message):
        small(**{**SINGULAR, "damping": 0.0}, structure=structure).fit(X[:4], y[:4])


@pytest.mark.parametrize("structure", ["unit", "layer", "full"])
def test_equal_columns_without_damping(structure):
    """Small integers: sums are exact, so that elimination in `potrf` meets an exact 0."""
    X, y = data()
    X = np.sign(X)
    X = np.hstack([X, X])
    estimator = small(OBSPrunedMLPRegressor, **SINGULAR, structure=structure, hidden_layer_sizes=())
    with pytest.raises(LinAlgError, match=r"damping=0, structure=.*Increase `damping`"):
        estimator.fit(X, y)


def networks_and_targets():
    """Kinds of networks, and targets of every kind for three outputs."""
    X, y = data()
    y3 = np.arange(60) % 3
    sets = (X[:, :3] > 0).astype(int)
    classifier, regressor = OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
    networks = {
        "two classes": (classifier, y),
        "three classes": (classifier, y3),
        "words": (classifier, np.array(["a", "b", "c"])[y3]),
        "two labels": (classifier, sets[:, :2]),
        "three labels": (classifier, sets),
        "one value": (regressor, X[:, 0]),
        "three values": (regressor, X[:, :3]),
    }
    targets = {name: t for name, (_, t) in networks.items()}
    return X, networks, targets | {"three labels, sparse": csr_array(sets), "other classes": y + 7}


TAKEN = {
    "two classes": {"two classes"},
    "three classes": {"two classes", "three classes"},  # those of a part of the samples, perhaps
    "words": {"words"},
    "two labels": {"two labels"},
    "three labels": {"three labels", "three labels, sparse"},
    "one value": {"two classes", "three classes", "one value", "other classes"},
    "three values": {"three labels", "three values"},
}


@pytest.mark.filterwarnings("ignore:On these samples the network")  # it is hardly trained
@pytest.mark.parametrize("name", TAKEN)
def test_prune_takes_targets_of_the_networks_kind(name):
    X, networks, targets = networks_and_targets()
    cls, y = networks[name]
    fitted = small(cls, target_sparsity=0.1).fit(X, y)
    for kind, t in targets.items():
        before = [W.copy() for W in fitted.coefs_]
        if kind in TAKEN[name]:
            copy(fitted).prune(X, t, target_sparsity=0.4)
        else:
            with pytest.raises(ValueError) as error:
                fitted.prune(X, t, target_sparsity=0.4)
            assert len(str(error.value)) < 300, kind
            assert all(map(np.array_equal, fitted.coefs_, before))


@pytest.mark.parametrize(
    "name, kind, message",
    [
        ("two classes", "other classes", r"the classes \[7, 8\], .* fitted on \[0, 1\]\. Leave"),
        ("words", "three classes", r"fitted on \['a', 'b', 'c'\]"),
        ("two classes", "two labels", r"2 labels, .* 1 outputs for the classes \[0, 1\]"),
        ("three classes", "three labels", r"3 labels, .* classes \[0, 1, 2\]\. Expected one of"),
        ("three labels", "two labels", "with 2 labels, but the network has 3 outputs, one for"),
        ("three labels", "three classes", "one column of classes, but the network has 3 outputs"),
        ("three labels", "one value", "Unknown label type: continuous. .*OBSPrunedMLPRegressor"),
        ("three values", "one value", "Got y with 1 outputs, but the network has 3"),
    ],
)
def test_what_is_said_of_targets_of_another_kind(name, kind, message):
    X, networks, targets = networks_and_targets()
    cls, y = networks[name]
    with pytest.raises(ValueError, match=message):
        small(cls).fit(X, y).prune(X, targets[kind], target_sparsity=0.8)


def test_many_classes_are_not_all_listed():
    X, _ = data()
    fitted = small().fit(X, np.arange(60) % 15)
    message = r"classes \[101, .*, 110, \.\.\.\], .* 9, \.\.\.\]"
    with pytest.raises(ValueError, match=message) as error:
        fitted.prune(X, 101 + np.arange(60) % 15)
    assert len(str(error.value)) < 300


# Warn once


def test_retraining_that_does_not_converge_warns_once():
    X, y = data()
    estimator = small(retrain_epochs=None, max_iter=2, tol=1e-12, retrain_solver="lbfgs")
    with pytest.warns(ConvergenceWarning) as caught:
        estimator.fit(X, y)
    ours = [str(w.message) for w in caught if "Retraining" in str(w.message)]
    assert len(ours) == 1
    assert estimator.n_rounds_ > 1
    n = estimator.n_rounds_
    assert ours[0] == (
        f"Retraining did not converge in {n} of {n} rounds. Increase `max_iter` (now 2), or set "
        "`retrain_epochs`."
    )


@pytest.mark.parametrize("epochs", [1, 3])
def test_newton_with_too_few_passes(epochs):
    with pytest.raises(ValueError, match=r"expected 0 or at least 4, .* For fewer, use 'lbfgs'"):
        small(retrain_solver="newton", retrain_epochs=epochs).fit(*data())


@pytest.mark.parametrize(
    "epochs, solver, least", [(0, "auto", 2), (1, "adam", 2), (7, "newton", 8)]
)
def test_movement_without_retraining(epochs, solver, least):
    remedy = f"at least {least}, .* half .* Increase .*, or use criterion='obs', which needs none"
    with pytest.raises(ValueError, match=remedy):
        small(criterion="movement", retrain_epochs=epochs, retrain_solver=solver).fit(*data())


@pytest.mark.parametrize("retrain_epochs", [0, 1])
def test_retraining_of_given_length_does_not_warn(retrain_epochs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        small(retrain_epochs=retrain_epochs, max_iter=2).fit(*data())
    assert all("Stochastic Optimizer" in str(w.message) for w in caught)  # scikit-learn's own
    assert len(caught) == 1


# Just work

JUST_WORK = [{"structure": structure} for structure in ("unit", "layer", "full")] + [
    {"criterion": "obd"},
    {"criterion": "magnitude"},
    {"retrain_solver": "adam"},
]


def name_of(parameters):
    return "-".join(parameters.values())


@pytest.mark.parametrize("parameters", JUST_WORK, ids=name_of)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_constant_and_duplicated_columns(cls, parameters):
    X, y = data()
    X = np.hstack([X, X, np.full((60, 1), 3.0), X[:, :1]])
    estimator = small(cls, target_sparsity=0.8, **parameters).fit(X, y)
    assert_finite(estimator, X)
    assert estimator.n_weights_ == round(0.2 * sum(W.size for W in estimator.coefs_))


@pytest.mark.parametrize("target_sparsity", [0.5, 0.9])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("parameters", JUST_WORK, ids=name_of)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_columns_scaled_by_1e12(cls, parameters, solver, target_sparsity):
    """Finite, or scikit-learn's own error where its dense stage overflows."""
    X, y = data()
    X[:, 1] *= 1e12
    estimator = small(cls, solver=solver, target_sparsity=target_sparsity, **parameters)
    dense = estimator._dense_class(
        hidden_layer_sizes=(4,), max_iter=5, random_state=0, solver=solver
    )
    refused = None
    try:
        dense.fit(X, y)
    except ValueError as error:
        refused = re.escape(str(error))
    if refused is not None:
        with pytest.raises(ValueError, match=refused):
            estimator.fit(X, y)
    else:
        assert_finite(estimator.fit(X, y), X)


@pytest.mark.parametrize("criterion", ["obs", "obd"])
@pytest.mark.parametrize("structure", ["unit", "layer", "full"])
@pytest.mark.parametrize("damping", [0.05, 0])
def test_a_column_of_zeros_goes_first_for_nothing(criterion, structure, damping):
    X, y = data()
    X[:, 2] = 0
    parameters = {"criterion": criterion, "structure": structure, "damping": damping}
    estimator = small(activation="tanh", alpha=1e-2, step=6, **parameters).fit(X, y)
    path = estimator.pruning_path_
    of_column_2 = np.arange(2 * 4, 3 * 4)  # row 2 of the (5, 4) weights
    assert set(path["removed"][:4]) == set(of_column_2)
    assert (path["saliency"][:4] == 0).all()
    assert (path["saliency"][4:6] > 0).all()
    assert 2 not in estimator.inputs_


def test_columns_of_zeros_only():
    X, y = data()
    estimator = small(target_sparsity=0.9).fit(np.zeros_like(X), y)
    assert_finite(estimator, X)
    assert estimator.sparsity_ == pytest.approx(22 / 24)  # of 5 x 4 + 4 x 1 weights; no rounding up
    assert (estimator.pruning_path_["saliency"] == 0).all()


def test_one_row():
    X, y = data()
    estimator = small(OBSPrunedMLPRegressor).fit(X[:1], y[:1])
    assert_finite(estimator, X)


@pytest.mark.filterwarnings("ignore:On these samples the network")  # it is hardly trained
def test_curvature_that_is_not_finite(iris):
    X, y = iris
    fitted = small(target_sparsity=0).fit(X, y)
    message = r"the curvature of the loss is not finite: scale the features of X\.$"
    with np.errstate(all="ignore"), pytest.raises(LinAlgError, match=message):
        fitted.prune(X * 1e200, y, target_sparsity=0.5)  # more damping would not help


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("method", ["prune", "quantize"])
def test_samples_that_are_not_scaled_as_in_training_are_said(estimator, method):
    X, y = data()
    X = X * [1000, *[1] * (X.shape[1] - 1)] + 500
    scaler = StandardScaler().fit(X)
    Z = scaler.transform(X)
    model = small(estimator, target_sparsity=0, max_iter=300, solver="lbfgs").fit(Z, y)
    options = {"prune": {"n_weights": model.n_weights_ - 1}, "quantize": {"bits": 8}}[method]
    getattr(deepcopy(model), method)(Z, y, **options)  # no warning
    with pytest.warns(UserWarning, match=r"On these samples .* `pipeline\[:-1\].transform\(X\)`"):
        getattr(model, method)(X, y, **options)
