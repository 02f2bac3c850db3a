"""scikit-learn's callbacks and ours: they see each round, in searches too, and may stop a fit."""

import importlib

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_nets import N_WEIGHTS, assert_same, small

from sklearn_obs import OBSPrunedMLPClassifier

try:
    from sklearn.callback import ProgressBar, ScoringMonitor
except ImportError:
    ProgressBar = None
needed = pytest.mark.skipif(ProgressBar is None, reason="callbacks came with scikit-learn 1.9")


class Recorder:
    """Takes down what it is called with."""

    def __init__(self, stop_after=None):
        self.stop_after, self.calls, self.networks = stop_after, [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, fitted_estimator=None):
        self.calls.append(("begin", context.task_name, context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.calls.append(("end", context.task_name, context.task_id))
        if context.task_name == "round" and fitted_estimator is not None:
            self.networks.append((fitted_estimator, fitted_estimator.score(X, y)))
        return len(self.networks) == self.stop_after


@pytest.mark.skipif(ProgressBar is not None, reason="of scikit-learn before 1.9")
def test_callbacks_are_left_alone_where_there_are_none(iris):
    with pytest.warns(
        UserWarning, match=r"Callbacks are not called, because they need scikit-learn 1\.9"
    ):
        clf = small().set_callbacks(Recorder())
    assert_same(clf.fit(*iris), small().fit(*iris))
    with pytest.raises(ImportError, match=r"need scikit-learn 1\.9"):
        importlib.import_module("sklearn_obs.callbacks")


@needed
def test_every_round_is_a_task_with_a_network_that_works(iris):
    recorder = Recorder()
    clf = small().set_callbacks(recorder).fit(*iris)
    assert_same(clf.set_callbacks(), small().fit(*iris))
    n = clf.n_rounds_
    rounds = [call for k in range(n) for call in (("begin", "round", 0), ("end", "round", k))]
    assert recorder.calls == ["setup", ("begin", "fit", n), *rounds, ("end", "fit", 0), "teardown"]
    left = [network.n_weights_ for network, _ in recorder.networks]
    assert left == clf.pruning_path_["n_weights"].tolist()
    last, score = recorder.networks[-1]
    np.testing.assert_array_equal(last.predict_proba(iris[0]), clf.predict_proba(iris[0]))
    assert score == clf.score(*iris)


@needed
@pytest.mark.parametrize("parameters", [{"granularity": "unit"}, {"n_swaps": 30, "step": 0.5}])
def test_rounds_that_do_not_come(iris, parameters):
    recorder = Recorder()
    clf = small(**parameters).set_callbacks(recorder).fit(*iris)
    assert len(recorder.networks) == clf.n_rounds_


@needed
def test_a_callback_stops_a_fit_and_the_network_is_valid(iris):
    clf = small().set_callbacks(Recorder(stop_after=1)).fit(*iris)
    assert clf.n_rounds_ == 1
    assert clf.n_weights_ == N_WEIGHTS - int(0.3 * N_WEIGHTS)
    alone = small(target_sparsity=1 - clf.n_weights_ / N_WEIGHTS).fit(*iris)
    assert_same(clf.set_callbacks(), alone)
    recorder = Recorder()  # and goes on
    clf.set_callbacks(recorder).prune(*iris)
    whole = small().fit(*iris)
    assert clf.n_weights_ == whole.n_weights_
    np.testing.assert_array_equal(clf.coefs_[0], whole.coefs_[0])
    assert recorder.calls[1] == ("begin", "prune", clf.n_rounds_ - 1)


@needed
def test_an_error_in_a_callback_leaves_the_network(iris):
    class Broken(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("broken")

    clf = small(target_sparsity=0.3).fit(*iris)
    before = {name: value for name, value in vars(clf).items() if name.endswith("_")}
    with pytest.raises(RuntimeError, match="broken"):
        clf.set_callbacks(Broken()).prune(*iris, target_sparsity=0.6)
    assert all(getattr(clf, name) is value for name, value in before.items())


@needed
def test_search_pipeline_rounds_with_bar_and_monitors_in_two_processes(iris, capsys):
    pytest.importorskip("rich")
    from sklearn_obs.callbacks import PruningMonitor

    monitor, scores = PruningMonitor(), ScoringMonitor(scoring="accuracy")
    clf = small().set_callbacks(monitor, scores)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), clf),
        {"obsprunedmlpclassifier__target_sparsity": [0.3, 0.6]},
        cv=2,
        n_jobs=2,
    )
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*iris)
    out = capsys.readouterr().out
    assert "GridSearchCV - fit" in out
    assert "OBSPrunedMLPClassifier - fit" in out
    for run in (monitor, scores):
        rows = [row for row in run.get_logs().data if row["task_name"] == "round"]
        # 0.3 is two rounds and 0.6 three, each on two folds, and the best again on all rows
        assert len(rows) == 2 * (2 + 3) + search.best_estimator_[-1].n_rounds_
        assert len({row["parent_task_id_path"] for row in rows}) == 5
    losses = [row["loss"] for row in monitor.get_logs().data if "loss" in row]
    assert search.best_estimator_[-1].loss_ in losses


@needed
def test_the_monitor_records_the_path(iris):
    from sklearn_obs.callbacks import PruningMonitor

    monitor = PruningMonitor(scoring=["accuracy"])
    clf = small().set_callbacks(monitor).fit(*iris, sample_weight=1 + iris[1])
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "round"]
    for name in ("n_weights", "predicted_loss", "pruned_loss", "loss"):
        assert [row[name] for row in rows] == clf.pruning_path_[name].tolist()
    assert rows[-1]["sparsity"] == clf.sparsity_
    assert rows[-1]["accuracy"] == clf.score(*iris, sample_weight=1 + iris[1])


@needed
@pytest.mark.parametrize("every", [1, 2])
def test_a_drop_of_the_score_stops(iris, every):
    from sklearn_obs.callbacks import StopAtScoreDrop

    X, y = iris
    held_out = {} if every == 1 else {"X": X[::every], "y": y[::every]}

    def fitted(target_sparsity, *callbacks):
        clf = OBSPrunedMLPClassifier(
            (6,),
            target_sparsity=target_sparsity,
            step=4,
            retrain_epochs=0,
            solver="lbfgs",
            random_state=0,
        )
        return clf.set_callbacks(*callbacks).fit(X, y)

    def score(clf):
        return clf.score(X[::every], y[::every])

    stopped = fitted(0.95, StopAtScoreDrop(0.1, **held_out))
    before = fitted(1 - (stopped.n_weights_ + 4) / 42)
    assert stopped.sparsity_ < 0.95
    assert score(stopped) < score(fitted(0)) - 0.1 <= score(before)


@needed
def test_drops_that_are_none(iris):
    from sklearn_obs.callbacks import StopAtScoreDrop

    for drop in (-1, float("nan")):
        with pytest.raises(ValueError, match="Got drop="):
            StopAtScoreDrop(drop)
    with pytest.raises(ValueError, match="X without y"):
        StopAtScoreDrop(X=iris[0])


def test_one_line_a_round(iris, capsys):
    clf = small(verbose=1).fit(*iris)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Round")]
    assert len(lines) == clf.n_rounds_
    assert lines[-1] == f"Round {clf.n_rounds_}, weights = {clf.n_weights_}, loss = {clf.loss_:.8f}"


@needed
def test_callbacks_that_score_refuse_rows_without_labels_before_the_first_round(iris):
    from sklearn_obs.callbacks import PruningMonitor, StopAtScoreDrop

    X, y = iris
    for callback in (
        ScoringMonitor(scoring="accuracy"),
        PruningMonitor("accuracy"),
        StopAtScoreDrop(),
    ):
        clf = small(target_sparsity=0.3).fit(X, y).set_callbacks(callback)
        before = clf.n_rounds_
        with pytest.raises(ValueError, match=f"no y, but the callback {type(callback).__name__}"):
            clf.prune(X, target_sparsity=0.6)
        assert clf.n_rounds_ == before
    monitor = PruningMonitor()
    clf = small(target_sparsity=0.3).fit(X, y).set_callbacks(monitor, StopAtScoreDrop(X=X, y=y))
    clf.prune(X, target_sparsity=0.6)
    rounds = [row for row in monitor.get_logs().data if row["task_name"] == "round"]
    assert rounds[-1]["n_weights"] == clf.n_weights_
