"""Callbacks for scikit-learn 1.9 and later: record pruning, or stop it.

They are set on an estimator with ``set_callbacks``, as are scikit-learn's own `ProgressBar` and
`ScoringMonitor`. They are called at the end of each round, with the network as it would be if `fit`
had stopped there.
"""

from typing import Any

from sklearn.metrics import check_scoring

try:
    from sklearn.callback import ScoringMonitor
except ImportError as error:  # scikit-learn < 1.9
    raise ImportError(
        "Callbacks need scikit-learn 1.9 or later: python -m pip install 'scikit-learn>=1.9'"
    ) from error


class PruningMonitor(ScoringMonitor):
    """Callback that records sparsity, predicted and measured loss after each round.

    Parameters
    ----------
    scoring : str, callable, list, tuple or dict, default=None
        Scores on the training samples to record, too, as in `sklearn.callback.ScoringMonitor`.

    See Also
    --------
    sklearn.callback.ScoringMonitor : Its `get_logs` describes the log.

    Notes
    -----
    The log has a row for each round and a row for the whole fit. Their columns are ``sparsity``,
    ``n_weights``, ``predicted_loss`` (the loss before the round plus the sum of the saliencies),
    ``pruned_loss`` (measured after the removal) and ``loss`` (after retraining), as in
    `pruning_path_`. Fits in worker processes are recorded, too.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.callbacks import PruningMonitor
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((5,), step=0.5, solver="lbfgs", alpha=1, random_state=0)
    >>> monitor = PruningMonitor()
    >>> clf = clf.set_callbacks(monitor).set_params(target_sparsity=0.6).fit(X, y)
    >>> rows = monitor.get_logs().data
    >>> [row["n_weights"] for row in rows if row["task_name"] == "round"]
    [18, 14]
    """

    def __init__(self, scoring: Any = None) -> None:
        super().__init__(scoring=_Record(scoring))
        self.needs_labels = scoring is not None

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, fitted_estimator=None, metadata=None
    ):
        """Record the state of pruning at the end of a round, also without labels."""
        seen = {"fitted_estimator": fitted_estimator, "metadata": metadata}
        # scikit-learn's monitor records nothing if y is None
        return super().on_fit_task_end(estimator, context, X=X, y=() if y is None else y, **seen)


class _Record:
    """A scorer that returns the state of pruning and the scores of `scoring`."""

    def __init__(self, scoring):
        self.scoring = scoring

    def __call__(self, estimator, X, y, **metadata):
        path = estimator.pruning_path_
        record = {"sparsity": estimator.sparsity_, "n_weights": estimator.n_weights_}
        for name in ("predicted_loss", "pruned_loss", "loss"):
            record[name] = float(path[name][-1]) if path[name].size else estimator.loss_
        if self.scoring is not None:
            scores = check_scoring(estimator, self.scoring)(estimator, X, y, **metadata)
            record |= scores if isinstance(scores, dict) else {"score": scores}
        return record


class StopAtScoreDrop:
    """Callback that stops pruning when the score has dropped too far.

    Parameters
    ----------
    drop : float >= 0, default=0.01
        How far the score may drop below the score before the first round.
    X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
        Held-out samples to score; the training samples by default.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        The targets of the held-out samples.
    scoring : str or callable, default=None
        The score as in scikit-learn, where greater is better; the estimator's own score if None.

    Raises
    ------
    ValueError
        If `drop` is negative or not finite, or only one of X and y is given.

    Notes
    -----
    The round after which the score is too low is the last one, and it is kept, because a callback
    cannot undo a round. `max_loss_increase` undoes its last round, but it uses the training loss.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.callbacks import StopAtScoreDrop
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((10,), target_sparsity=0.99, step=0.3, random_state=0)
    >>> clf = clf.set_callbacks(StopAtScoreDrop(0.05)).fit(X[:500] / 16, y[:500])
    >>> 0.5 < clf.sparsity_ < 0.99
    True
    """

    def __init__(
        self, drop: float = 0.01, *, X: Any = None, y: Any = None, scoring: Any = None
    ) -> None:
        if not 0 <= drop < float("inf"):
            raise ValueError(f"Got drop={drop!r}, but expected a finite non-negative number.")
        if (X is None) != (y is None):
            raise ValueError("Got X without y, or y without X, but expected both or neither.")
        self.drop, self.X, self.y, self.scoring = drop, X, y, scoring
        self.needs_labels = y is None  # labels of the training samples
        self._at_first: dict[Any, float] = {}  # estimator -> score before its first round

    def setup(self, estimator, context):
        """Do nothing when a fit begins; the protocol needs this method."""

    def teardown(self, estimator, context):
        """Forget the first score when a fit has ended."""
        self._at_first.pop(estimator, None)

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        """Before the first round, compute the score with which later ones are compared."""
        if fitted_estimator is not None and estimator not in self._at_first:
            self._at_first[estimator] = self._score(fitted_estimator, X, y)

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        """After a round, return True if the score has dropped too far."""
        if fitted_estimator is None or estimator not in self._at_first:
            return False
        return self._score(fitted_estimator, X, y) < self._at_first[estimator] - self.drop

    def _score(self, estimator, X, y):
        if self.X is not None:
            X, y = self.X, self.y
        return check_scoring(estimator, self.scoring)(estimator, X, y)
