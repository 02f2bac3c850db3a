"""Scores and losses against the share of weights removed."""

from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.display.checks import checked_axes, checked_network
from sklearn_obs.display.panels import LOSSES, draw_losses, draw_score, finish
from sklearn_obs.display.styles import free_style
from sklearn_obs.estimators import OBSPrunedMLPCV


class PruningPathDisplay:
    """Score and loss of a network against its sparsity.

    There is one panel for scores and one for losses; a panel without values is left out. Displays
    that are drawn in the same axes have different colours and markers, and their scores also have
    different dashes.

    Parameters
    ----------
    sparsities : array-like of shape (n_levels,)
        Shares of weights that have been removed, in [0, 1].
    score : array-like of shape (n_levels,), default=None
        Scores; nan where there is no score.
    score_error : array-like of shape (n_levels,), default=None
        The standard errors of the scores, drawn as a band.
    predicted_loss, pruned_loss, loss : array-like of shape (n_levels,), default=None
        Training loss that the saliencies predict, that is measured after the removal, and that is
        measured after retraining; nan where there is no loss.
    chosen : float, default=None
        The chosen sparsity, drawn as a vertical line.
    dense_score : float, default=None
        The score of the dense network, drawn as a horizontal line.
    name : str, default=None
        The name of the curves in the legend.
    score_name : str, default="score"
        The label of the axis of scores.
    loss_name : str, default="training loss"
        The label of the axis of losses.

    Attributes
    ----------
    axes_ : ndarray of shape (n_panels,)
        The panels: scores first, then losses.
    ax_ : matplotlib.axes.Axes
        The first panel.
    figure_ : matplotlib.figure.Figure
        The figure of the panels.
    lines_ : list of matplotlib.lines.Line2D
        The curves of scores and losses, in this order.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.display import PruningPathDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", random_state=0).fit(scale(X), y)
    >>> display = PruningPathDisplay.from_estimator(clf)
    >>> [line.get_label() for line in display.lines_]
    ['predicted', 'after removal', 'after retraining']
    >>> display.ax_.get_ylabel()
    'training loss (nats)'
    """

    def __init__(
        self,
        *,
        sparsities,
        score=None,
        score_error=None,
        predicted_loss=None,
        pruned_loss=None,
        loss=None,
        chosen=None,
        dense_score=None,
        name=None,
        score_name="score",
        loss_name="training loss",
    ):
        self.sparsities = sparsities
        self.score = score
        self.score_error = score_error
        self.predicted_loss = predicted_loss
        self.pruned_loss = pruned_loss
        self.loss = loss
        self.chosen = chosen
        self.dense_score = dense_score
        self.name = name
        self.score_name = score_name
        self.loss_name = loss_name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, name: str | None = None) -> Self:
        """Draw the training losses of a pruned network, with one point for each round.

        Of a search, these are the rounds of the network that it has kept; `from_cv` draws its
        scores.

        Parameters
        ----------
        estimator : object
            A fitted and pruned OBSPrunedMLPClassifier or OBSPrunedMLPRegressor, or a Pipeline or a
            search that contains one.
        ax : matplotlib.axes.Axes or list of one, default=None
            As in `plot`.
        name : str, default=None
            The name of the curves in the legend.

        Returns
        -------
        PruningPathDisplay
            The display, which has been drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            If the estimator has not been pruned.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.6).fit(scale(X), y)
        >>> from sklearn_obs.display import PruningPathDisplay
        >>> PruningPathDisplay.from_estimator(clf).ax_.get_xlabel()
        'weights removed (%)'
        """
        estimator, _ = checked_network(estimator)
        path = estimator.pruning_path_
        if not path["loss"].size:
            raise ValueError(
                "Got an estimator without a round of pruning, so that there is no path to draw. "
                "Fit with a `target_sparsity` above 0, or call `prune` first."
            )
        intercepts = estimator.intercept_masks_ if estimator.prune_intercepts else []
        n_prunable = sum(mask.size for mask in (*estimator.masks_, *intercepts))
        unit = "nats" if is_classifier(estimator) else "squared units of y"
        display = cls(
            sparsities=1 - path["n_weights"] / n_prunable,
            **{kind: path[kind] for kind in LOSSES},
            name=name,
            loss_name=f"training loss ({unit})",
        )
        return display.plot(ax=ax)

    @classmethod
    def from_path(
        cls,
        path: Any,
        *,
        ax: Any = None,
        name: str | None = None,
        chosen: float | None = None,
        score_name: str = "score",
        loss_name: str = "training loss",
    ) -> Self:
        """Draw scores and losses of a path of networks, with one point for each network.

        Parameters
        ----------
        path : object
            The result of `obs_pruning_path`, or another object with the arrays `sparsities`,
            `score`, `predicted_loss`, `pruned_loss` and `loss`, each with one entry for each
            network. An array that is None, or contains only nan, is left out.
        ax : matplotlib.axes.Axes or list of them, default=None
            As in `plot`.
        name : str, default=None
            The name of the curves in the legend.
        chosen : float, default=None
            The chosen sparsity, drawn as a vertical line.
        score_name : str, default="score"
            The label of the axis of scores.
        loss_name : str, default="training loss"
            The label of the axis of losses.

        Returns
        -------
        PruningPathDisplay
            The display, which has been drawn.

        Raises
        ------
        TypeError
            If `path` has no `sparsities`.
        ValueError, ImportError
            As in `plot`.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, obs_pruning_path
        >>> from sklearn_obs.display import PruningPathDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> path = obs_pruning_path(clf, scale(X), y, sparsities=[0.5, 0.9])
        >>> len(PruningPathDisplay.from_path(path, score_name="accuracy").axes_)
        2
        """
        if not hasattr(path, "sparsities"):
            raise TypeError(
                f"Got a {type(path).__name__}, but expected the result of `obs_pruning_path`. Draw "
                "a search with `from_cv`, and the rounds of one network with `from_estimator`."
            )
        display = cls(
            sparsities=path.sparsities,
            score=path.score,
            **{kind: getattr(path, kind) for kind in LOSSES},
            chosen=chosen,
            name=name,
            score_name=score_name,
            loss_name=loss_name,
        )
        return display.plot(ax=ax)

    @classmethod
    def from_cv(
        cls, cv: Any, *, ax: Any = None, name: str | None = None, score_name: str | None = None
    ) -> Self:
        """Draw the mean score over folds with its standard error, and the chosen sparsity.

        Parameters
        ----------
        cv : OBSPrunedMLPCV
            A fitted search. Its `sparsities_`, `scores_` and `sparsity_` are drawn.
        ax : matplotlib.axes.Axes or list of one, default=None
            As in `plot`.
        name : str, default=None
            The name of the curve in the legend.
        score_name : str, default=None
            The label of the axis; by default `scoring` of the search, if it is a string.

        Returns
        -------
        PruningPathDisplay
            The display, which has been drawn.

        Raises
        ------
        TypeError
            If `cv` is no OBSPrunedMLPCV.
        sklearn.exceptions.NotFittedError
            If `cv` is not fitted.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> search = OBSPrunedMLPCV(clf, sparsities=[0.5, 0.9], cv=2).fit(scale(X), y)
        >>> from sklearn_obs.display import PruningPathDisplay
        >>> PruningPathDisplay.from_cv(search).ax_.get_ylabel()
        'score, mean of 2 folds'
        """
        if not isinstance(cv, OBSPrunedMLPCV):
            raise TypeError(
                f"Got a {type(cv).__name__}, but expected a fitted OBSPrunedMLPCV. If it is the "
                "last step of a Pipeline, pass that step. For other scores, pass `sparsities` and "
                "`score` to PruningPathDisplay."
            )
        check_is_fitted(cv)
        scores = np.asarray(cv.scores_)
        n_folds = len(scores)
        if score_name is None:
            scoring = getattr(cv, "scoring", None)
            score_name = scoring.replace("_", " ") if isinstance(scoring, str) else "score"
        display = cls(
            sparsities=cv.sparsities_,
            score=scores.mean(axis=0),
            score_error=scores.std(axis=0, ddof=1) / np.sqrt(n_folds) if n_folds > 1 else None,
            chosen=cv.sparsity_,
            name=name,
            score_name=f"{score_name}, mean of {n_folds} folds" if n_folds > 1 else score_name,
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None, name: str | None = None) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or list of them, default=None
            The axes to draw in, one for scores and one for losses. Single axes are divided if there
            are both. Pass the `axes_` of another display to draw in the same panels. By default a
            new figure is made.
        name : str, default=None
            The name of the curves in the legend, in place of the display's name.

        Returns
        -------
        PruningPathDisplay
            The display, which has been drawn.

        Raises
        ------
        ValueError
            If there is neither a score nor a loss, or `ax` is a list of another length than the
            panels.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> from sklearn_obs.display import PruningPathDisplay
        >>> large = PruningPathDisplay(sparsities=[0.5, 0.9], score=[0.96, 0.94]).plot(name="30")
        >>> small = PruningPathDisplay(sparsities=[0.5, 0.9], score=[0.95, 0.9])
        >>> small.plot(ax=large.axes_, name="10").ax_ is large.ax_
        True
        """
        losses = [kind for kind in LOSSES if _is_there(getattr(self, kind))]
        n_panels = _is_there(self.score) + bool(losses)
        if not n_panels:
            raise ValueError("Got neither `score` nor a loss, but expected at least one of them.")
        self.axes_ = checked_axes(ax, n_panels, figsize=(5.6 * n_panels + 0.8, 4))
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        self.lines_: list[Any] = []
        name = self.name if name is None else name
        colour, marker, dashes = free_style(self.axes_)
        style = {"color": colour, "marker": marker, "markersize": 5, "linewidth": 1.5}
        style["markerfacecoloralt"] = "white"  # the empty half of half-filled markers
        if _is_there(self.score):
            own = {"label": name or self.score_name, "linestyle": dashes}
            self.lines_ += draw_score(self, self.axes_[0], style | own)
        if losses:
            self.lines_ += draw_losses(self, self.axes_[-1], losses, name, style)
        for axes in self.axes_:
            finish(axes, name, colour, self.chosen)
        return self


def _is_there(values):
    return values is not None and not np.isnan(values).all()
