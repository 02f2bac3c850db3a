"""skops and pickle: the estimator comes back, and nothing is stored twice."""

import pickle
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from small_nets import ESTIMATORS, assert_same, small

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
from sklearn_obs.export import export_skops, load_skops

sio = pytest.importorskip("skops.io")


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_estimators_come_back(cls, iris, tmp_path):
    X, y = iris
    model = small(cls).fit(X, y)
    n_bytes = export_skops(model, tmp_path / "model.skops")
    assert n_bytes == (tmp_path / "model.skops").stat().st_size
    again = load_skops(tmp_path / "model.skops")
    assert_same(again, model)
    assert again.get_params() == model.get_params()
    assert_same(again.prune(X, y, target_sparsity=0.8), model.prune(X, y, target_sparsity=0.8))


def test_only_our_types_need_trust(iris, tmp_path):
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), small()).fit(X, y)
    search = OBSPrunedMLPCV(small(), sparsities=[0.2, 0.5], cv=2).fit(X, y)
    for model, names in (
        (pipeline, ["OBSPrunedMLPClassifier"]),
        (search, ["OBSPrunedMLPClassifier", "OBSPrunedMLPCV"]),
    ):
        path = tmp_path / "model.skops"
        export_skops(model, path, overwrite=True)
        assert [t.split(".")[-1] for t in sio.get_untrusted_types(file=path)] == names
        assert np.array_equal(load_skops(path).predict(X), model.predict(X))


def _mine(X):
    return X


def test_other_types_are_refused(iris, tmp_path):
    X, y = iris
    path = tmp_path / "model.skops"
    export_skops(make_pipeline(FunctionTransformer(_mine), small()).fit(X, y), path)
    with pytest.raises(sio.exceptions.UntrustedTypesFoundException, match="_mine") as caught:
        load_skops(path)
    (note,) = caught.value.__notes__
    assert "If you know where the file comes from" in note
    model = eval(note.split(": ", 1)[1], {"load_skops": load_skops})  # as it says
    assert np.array_equal(model.predict(X), model[-1].predict(X))


def test_errors(iris, tmp_path):
    path = tmp_path / "model.skops"
    with pytest.raises(ValueError, match=r"ends in '\.skops'"):
        export_skops(small().fit(*iris), tmp_path / "model.pkl")
    with pytest.raises(NotFittedError):
        export_skops(small(), path)
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        export_skops(small().fit(*iris), path)
    assert path.read_text() == "mine"


def test_without_skops(iris, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-obs\[skops\]'"):
        export_skops(small().fit(*iris), tmp_path / "model.skops")


def stored_bytes(state):
    if isinstance(state, np.ndarray):
        return state.nbytes
    if isinstance(state, dict):
        return sum(map(stored_bytes, state.values()))
    if isinstance(state, (list, tuple)):
        return sum(map(stored_bytes, state))
    return 0


def test_a_pickle_holds_the_arrays_and_little_else():
    X, y = load_digits(return_X_y=True)
    clf = OBSPrunedMLPClassifier((30,), max_iter=20, random_state=0).fit(X / 16, y)
    assert len(pickle.dumps(clf)) <= 1.2 * stored_bytes(vars(clf))
    assert_same(pickle.loads(pickle.dumps(clf)), clf)
