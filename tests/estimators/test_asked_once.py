"""What a run may do is asked once, and before anything is trained."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.neural_network import MLPClassifier
from small_nets import small

from sklearn_obs import obs_pruning_path
from sklearn_obs.estimators.core_plan import plan_of
from sklearn_obs.network import Layout, compaction
from sklearn_obs.pruning import Scope, feasibility


@pytest.fixture
def scans(monkeypatch):
    """The shapes of X at each search for columns of zeros, wherever it is asked for."""
    seen, original = [], compaction.never_read

    def watched(layout, X):
        seen.append(X.shape)
        return original(layout, X)

    for module in (compaction, feasibility):
        monkeypatch.setattr(module, "never_read", watched)
    return seen


@pytest.mark.parametrize("criterion", ["obs", "obd", "magnitude"])
@pytest.mark.parametrize("n_swaps", [0, 2])
def test_X_is_searched_for_columns_of_zeros_once(iris, scans, criterion, n_swaps):
    X, y = iris
    clf = small(criterion=criterion, n_swaps=n_swaps, target_sparsity=0.5).fit(X, y)
    assert clf.n_rounds_ > 1  # so that a search a round would be seen
    assert scans == [X.shape]
    clf.prune(X[:100], y[:100], target_sparsity=0.8)
    assert scans == [X.shape, X[:100].shape]


def test_a_path_searches_once(iris, scans):
    X, y = iris
    obs_pruning_path(small(), X, y, sparsities=[0.3, 0.5, 0.8])
    assert scans == [X.shape]


def test_the_search_comes_before_the_training(iris, scans, monkeypatch):
    X, y = iris
    fit = MLPClassifier.fit

    def trained(self, *args, **kwargs):
        assert scans == [X.shape]
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(MLPClassifier, "fit", trained)
    small().fit(X, y)


@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_the_search_finds_columns_of_zeros(form):
    X = np.arange(20.0).reshape(4, 5)
    X[:, [1, 4]] = 0
    X[0, 2] = -1
    layout = Layout((5, 2, 1))
    unread = compaction.never_read(layout, form(X))
    assert_array_equal(np.flatnonzero(unread), layout.index[0][[1, 4]].ravel())


def test_a_scope_counts(iris):
    """Against the slow way: a loop over rounds with the numbers written out."""
    clf = small(step=0.3, n_swaps=2)
    layout = Layout((4, 6, 5, 3))
    scope = Scope.of(layout, plan_of(clf), iris[0])
    n = 4 * 6 + 6 * 5 + 5 * 3
    assert np.count_nonzero(scope.prunable) == scope.n_remaining(scope.mask) == n
    assert scope.n_remove(0.6) == round(0.6 * n) == 41
    left, rounds = n, 0
    while n - left < 41:
        left -= int(0.3 * left)
        rounds += 1
    assert scope.most_rounds(0.6) == rounds + 2
    assert scope.most_rounds(0) == 0
    mask = scope.mask.copy()
    mask[:10] = False
    later = Scope.of(layout, plan_of(clf), iris[0], mask)
    assert later.n_remove(0.6) == 31
    assert later.round_size(mask) == int(0.3 * (n - 10))
    assert later.n_remove(0.1) < 0  # sparser already


def test_the_old_name_of_dead_weights_warns(iris):
    clf = small(target_sparsity=0.8).fit(*iris)
    with pytest.warns(FutureWarning, match=r"`n_ghosts_` is now called `n_dead_weights_`"):
        assert clf.n_ghosts_ == clf.n_dead_weights_
