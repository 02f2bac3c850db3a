"""Importances of variables as sorted bars, with their standard deviations."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier

from sklearn_obs.display.checks import checked_axes
from sklearn_obs.display.styles import POSITIVE
from sklearn_obs.estimators.importances import input_importances
from sklearn_obs.estimators.inside import taken_apart
from sklearn_obs.estimators.samples import MatrixLike


class InputImportancesDisplay:
    """Importances of variables as bars, with their standard deviation over resampled samples.

    The largest bar is on top. If the error line of a bar reaches 0, its importance may be noise.

    Parameters
    ----------
    importances : array-like of shape (n_variables,)
        By how much the loss would rise without each variable.
    spread : array-like of shape (n_variables,)
        The standard deviation of each importance.
    names : sequence of str
        The names of the variables.
    loss_name : str, default="loss"
        The name of the loss and its unit, for the label of the axis.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes with the bars.
    axes_ : ndarray of shape (1,)
        The same axes in an array, as in the other displays.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.
    bars_ : matplotlib.container.BarContainer
        The bars, the largest first.

    See Also
    --------
    sklearn_obs.input_importances : Returns the numbers.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.display import InputImportancesDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> X[:] = scale(X)
    >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
    >>> display = InputImportancesDisplay.from_estimator(clf.fit(X, y), X, y)
    >>> display.ax_.get_yticklabels()[0].get_text() in X.columns
    True
    """

    def __init__(
        self,
        *,
        importances: ArrayLike,
        spread: ArrayLike,
        names: Any,
        loss_name: str = "loss",
    ) -> None:
        self.importances = importances
        self.spread = spread
        self.names = names
        self.loss_name = loss_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        n_most: int = 30,
        ax: Any = None,
    ) -> Self:
        """Compute the importances on samples and draw them.

        Parameters
        ----------
        estimator : object
            A fitted estimator, as in `input_importances`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples, as in `input_importances`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.
        n_most : int, default=30
            The largest number of bars. The variables with the largest importances are drawn.
        ax : matplotlib.axes.Axes or list of one, default=None
            The axes to draw in; by default those of a new figure.

        Returns
        -------
        InputImportancesDisplay
            The display, which has been drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError, TypeError, ValueError, numpy.linalg.LinAlgError
            As in `input_importances`.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> from sklearn_obs.display import InputImportancesDisplay
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.5).fit(scale(X), y)
        >>> len(InputImportancesDisplay.from_estimator(clf, scale(X), y).bars_)
        4
        """
        if not n_most >= 1:
            raise ValueError(f"Got n_most={n_most!r}, but expected at least 1.")
        found = input_importances(estimator, X, y, sample_weight=sample_weight)
        most = np.argsort(-found.importances_mean, kind="stable")[:n_most]
        _, network, _ = taken_apart(estimator)
        display = cls(
            importances=found.importances_mean[most],
            spread=found.importances_std[most],
            names=[found.names[i] for i in most],
            loss_name="loss (nats)" if is_classifier(network) else "loss",
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or list of one, default=None
            The axes to draw in; by default those of a new figure.

        Returns
        -------
        InputImportancesDisplay
            The display, which has been drawn.

        Raises
        ------
        ValueError
            If `importances`, `spread` and `names` have different lengths, or `ax` is a list of
            another length than 1.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> from sklearn_obs.display import InputImportancesDisplay
        >>> display = InputImportancesDisplay(
        ...     importances=[0.1, 0.3], spread=[0.1, 0.02], names=["noise", "signal"]
        ... ).plot()
        >>> [text.get_text() for text in display.ax_.get_yticklabels()]
        ['signal', 'noise']
        """
        importance, spread = np.asarray(self.importances), np.asarray(self.spread)
        if not len(importance) == len(spread) == len(self.names):
            raise ValueError(
                f"Got {len(importance)} importances, {len(spread)} spreads and {len(self.names)} "
                "names, but expected the same number of each."
            )
        order = np.argsort(-importance, kind="stable")
        size = (6.4, 1.1 + 0.26 * max(len(order), 3))
        self.axes_ = checked_axes(ax, 1, figsize=size)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        self.bars_ = self.ax_.barh(
            np.arange(len(order)),
            importance[order],
            xerr=spread[order],
            color=POSITIVE,
            error_kw={"ecolor": "0.25", "capsize": 2},
        )
        names = [str(self.names[i]) for i in order]
        self.ax_.set_yticks(np.arange(len(order)), names, parse_math=False)
        self.ax_.axvline(0, color="0.25", linewidth=0.8)
        self.ax_.set(xlabel=f"rise of the {self.loss_name} without the variable")
        self.ax_.invert_yaxis()
        self.ax_.grid(axis="x", alpha=0.3)
        self.ax_.set_axisbelow(True)
        return self
