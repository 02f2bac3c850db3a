"""Every check that scikit-learn has for estimators, none expected to fail."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor

VARIANTS = [
    {},  # as it comes
    {"retrain_solver": "lbfgs"},
    {"criterion": "magnitude"},
    # a small network: the full matrix of the default one takes minutes
    {"hidden_layer_sizes": (10,), "structure": "full"},
]
ESTIMATORS = [
    cls(**variant)
    for cls in (OBSPrunedMLPClassifier, OBSPrunedMLPRegressor)
    for variant in VARIANTS
]


@parametrize_with_checks(ESTIMATORS)
def test_check(estimator, check):
    check(estimator)
