"""Every check that scikit-learn has for estimators; those expected to fail have a reason."""

import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV, OBSPrunedMLPRegressor

VARIANTS = [
    {},  # as it comes
    # small networks: with the default 100 units these take minutes
    {"hidden_layer_sizes": (10,), "criterion": "magnitude"},
    {"hidden_layer_sizes": (10,), "granularity": "unit", "target_sparsity": 0.6},
    {"hidden_layer_sizes": (10,), "retrain_solver": "newton", "n_swaps": 1},
    {"hidden_layer_sizes": (10,), "structure": "full"},
]
ESTIMATORS = [
    cls(**variant)
    for cls in (OBSPrunedMLPClassifier, OBSPrunedMLPRegressor)
    for variant in VARIANTS
]


SEARCHES = [
    OBSPrunedMLPCV(
        cls((10,), max_iter=100, learning_rate_init=0.02, step=0.5, random_state=0),
        sparsities=[0.2, 0.6],
        cv=3,
    )
    for cls in (OBSPrunedMLPClassifier, OBSPrunedMLPRegressor)
]


SEARCHES.append(
    clone(SEARCHES[0]).set_params(estimator=make_pipeline(StandardScaler(), SEARCHES[0].estimator))
)

TAUGHT = [
    cls((10,), teacher=tree(max_depth=2))
    for cls, tree in (
        (OBSPrunedMLPClassifier, DecisionTreeClassifier),
        (OBSPrunedMLPRegressor, DecisionTreeRegressor),
    )
]


def expected_to_fail(estimator):
    """Names of checks, and why."""
    others = {}
    if getattr(estimator, "teacher", None) is not None:
        reason = "samples that are repeated or left out make other folds for the teacher"
        others["check_class_weight_classifiers"] = "a tree of two levels does not pass it itself"
    elif isinstance(getattr(estimator, "estimator", None), Pipeline):
        reason = "the weights are for the network, and not for the scaler before it"
    else:
        return {}
    return others | {
        f"check_sample_weight_equivalence_on_{kind}_data": reason for kind in ("dense", "sparse")
    }


# the check of class weights has some of 1,000 and 0.0001, beside which a constant costs nothing
@pytest.mark.filterwarnings("ignore:weight_decay=0.001 penalises")
@parametrize_with_checks([*ESTIMATORS, *SEARCHES, *TAUGHT], expected_failed_checks=expected_to_fail)
def test_check(estimator, check):
    check(estimator)
