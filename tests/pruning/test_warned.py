"""Warnings point at the user's line: through scikit-learn's callbacks, pipelines and searches."""

import warnings

import pytest
from scipy.linalg import LinAlgError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_nets import ESTIMATORS, small

from sklearn_obs import OBSPrunedMLPClassifier, obs_pruning_path


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_warning_of_a_fit_points_here(iris, cls):
    X, y = iris
    net = small(cls, weight_decay=100.0, retrain_epochs=None, max_iter=2, target_sparsity=0.3)
    dense = net.__class__(**net.get_params()).set_params(target_sparsity=0, max_iter=50).fit(X, y)
    calls = [
        lambda: net.fit(X, y),
        lambda: dense.set_params(max_iter=2).prune(X, y, target_sparsity=0.3),
        lambda: obs_pruning_path(net, X, y, sparsities=[0.3]),
        lambda: make_pipeline(StandardScaler(), net).fit(X, y),
        lambda: GridSearchCV(net, {"step": [0.3]}, cv=2).fit(X, y),
    ]
    for call in calls:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        ours = [w for w in caught if "weight_decay=100" in str(w.message)]
        assert ours
        assert {w.filename for w in ours} == {__file__}
        remedy = "larger `alpha`" if cls is OBSPrunedMLPClassifier else "Scale y"
        assert all(remedy in str(w.message) for w in ours)


def test_a_warning_of_the_core_points_here(iris, monkeypatch):
    def failing(*args, **kwargs):
        raise LinAlgError("no inverse")

    net = small(n_swaps=1)
    monkeypatch.setattr("sklearn_obs.pruning.rounds.find_swap", failing)
    with pytest.warns(UserWarning, match="Swaps end.* no inverse") as caught:
        net.fit(*iris)
    assert [w.filename for w in caught if "Swaps" in str(w.message)] == [__file__]
