"""Small estimators, and what it means that two are the same."""

import numpy as np

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor

ESTIMATORS = [OBSPrunedMLPClassifier, OBSPrunedMLPRegressor]
SMALL = {"hidden_layer_sizes": (6, 5), "max_iter": 10, "random_state": 0, "retrain_epochs": 2}
LABELS_ALONE = {"distillation": 0, "weight_decay": None}  # scikit-learn's objective to the letter
N_WEIGHTS = 4 * 6 + 6 * 5 + 5 * 3  # on iris
N_PARAMETERS = N_WEIGHTS + 6 + 5 + 3


def small(cls=OBSPrunedMLPClassifier, **parameters):
    return cls(**{**SMALL, "target_sparsity": 0.6, "step": 0.3, **parameters})


def flat(coefs, intercepts):
    return np.concatenate([a.ravel() for a in (*coefs, *intercepts)])


def assert_same(a, b):
    """Bit for bit the same attributes."""
    assert vars(a).keys() == vars(b).keys()
    for name in vars(a):
        if name.endswith("_"):
            assert_same_value(getattr(a, name), getattr(b, name), name)


def assert_same_value(a, b, name):
    assert type(a) is type(b), name
    if isinstance(a, dict):
        assert a.keys() == b.keys(), name
        for key in a:
            assert_same_value(a[key], b[key], f"{name}[{key}]")
    elif isinstance(a, list):
        assert len(a) == len(b), name
        for x, y in zip(a, b, strict=True):
            assert_same_value(x, y, name)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, name
        np.testing.assert_array_equal(a, b, err_msg=name)
    else:
        assert a == b, name
