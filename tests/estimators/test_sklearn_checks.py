"""Every check that scikit-learn has for estimators, none expected to fail."""

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


@parametrize_with_checks([*ESTIMATORS, *SEARCHES])
def test_check(estimator, check):
    check(estimator)
