"""`memory` keeps dense networks: how many are trained is counted, not timed."""

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from small_nets import assert_same, small


@pytest.fixture
def trained(monkeypatch):
    """A list that grows by one with each dense network that is trained."""
    fits, fit = [], MLPClassifier.fit

    def counted(self, *arguments, **named):
        fits.append(self)
        return fit(self, *arguments, **named)

    monkeypatch.setattr(MLPClassifier, "fit", counted)
    return fits


def test_a_grid_trains_each_fold_once(iris, trained, tmp_path):
    grid = {"target_sparsity": [0.2, 0.3, 0.4, 0.5, 0.6], "damping": [0.01, 0.02, 0.1, 0.5]}
    without = GridSearchCV(small(), grid, cv=3).fit(*iris)
    n_without = len(trained)
    cached = GridSearchCV(small(memory=str(tmp_path)), grid, cv=3).fit(*iris)
    assert n_without == 20 * 3 + 1
    assert len(trained) - n_without == 3 + 1  # the folds, and all rows
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(without.cv_results_[name], cached.cv_results_[name])
    assert_same(without.best_estimator_, cached.best_estimator_)


def test_what_makes_another_dense_network_misses(iris, trained, tmp_path):
    X, y = iris
    memory = joblib.Memory(tmp_path, verbose=0)
    fit = {"X": X, "y": y, "sample_weight": None}
    changes = [
        ({}, {}, 1),
        ({}, {}, 1),  # the same again
        ({"damping": 0.5, "target_sparsity": 0.3, "n_swaps": 1}, {}, 1),  # pruning alone
        ({"hidden_layer_sizes": (6, 4)}, {}, 2),
        ({"random_state": 1}, {}, 3),
        ({"alpha": 0.1}, {}, 4),
        ({}, {"X": X + 1}, 5),
        ({}, {"y": 2 - y}, 6),
        ({}, {"sample_weight": 1 + y}, 7),
    ]
    for parameters, data, n_trained in changes:
        small(memory=memory, **parameters).fit(**(fit | data))
        assert len(trained) == n_trained, (parameters, list(data))


@pytest.mark.parametrize("seed", [None, np.random.RandomState(0)])
def test_only_an_integer_seed_is_cached(iris, trained, tmp_path, seed):
    for _ in range(2):
        small(memory=str(tmp_path), random_state=seed).fit(*iris)
    assert len(trained) == 2


def test_a_cached_network_is_not_written_to(iris, tmp_path):
    memory = joblib.Memory(tmp_path, mmap_mode="r", verbose=0)
    first, second = (small(memory=memory).fit(*iris) for _ in range(2))
    assert_same(first, second)


def test_a_folder_that_cannot_be_written_is_refused_before_training(iris, trained, tmp_path):
    file = tmp_path / "file"
    file.touch()
    for memory in (str(file / "cache"), file / "cache", str(file)):
        with pytest.raises(ValueError, match=r"Got memory=.*nothing can be written there.*Pass a"):
            small(memory=memory).fit(*iris)
    with pytest.raises(ValueError, match="'memory' should be None, a string or"):
        small(memory=3).fit(*iris)
    assert not trained
