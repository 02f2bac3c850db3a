"""Every check that scikit-learn has for estimators, none expected to fail."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor

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


@parametrize_with_checks(ESTIMATORS)
def test_check(estimator, check):
    check(estimator)
