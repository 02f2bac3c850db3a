"""Images of the remaining weights: of each layer, or of the pixels that each unit reads."""

import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_obs.display.checks import checked_axes, checked_names, checked_network
from sklearn_obs.display.styles import is_dark, signed_colours, size_in_points

BLANK = "#f4f4f4"  # colour of removed weights
SMALLEST_SIGN = 2.5  # points; in smaller cells, only signs are drawn
MOST_NAMES = 40
SMALLEST_FONT = 4.5  # smaller titles are left out


class WeightMaskDisplay:
    """Images of the remaining weights with their signs.

    There is one panel for each layer. It has a row for each input of the layer and a column for
    each of its units. With `image_shape`, there is one panel for each unit of the first hidden
    layer, which shows the pixels that it still reads. Removed weights are blank. Colours are
    symmetric about 0, and each remaining weight has a "+" or "-", so that its sign is visible
    without colours, too.

    Parameters
    ----------
    coefs : list of ndarray of shape (fan_in, fan_out)
        Weights, layer by layer.
    masks : list of ndarray of shape (fan_in, fan_out), bool
        True for each remaining weight.
    image_shape : (int, int), default=None
        Height and width of the images, if the inputs are pixels.
    feature_names : list of str, default=None
        Names of the inputs, written beside the rows of the first layer. Of more than 40 names only
        some are written, at equal distances.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The first panel.
    axes_ : ndarray of shape (n_panels,)
        A panel for each layer, or for each unit in `units_`.
    figure_ : matplotlib.figure.Figure
        The figure of the panels.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        The scale of all panels.
    units_ : ndarray of shape (n_panels,), int
        With `image_shape`, the units that are drawn: those with remaining incoming weights.

    See Also
    --------
    NetworkDisplay : The remaining network as a diagram.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.display import WeightMaskDisplay
    >>> X, y = load_digits(n_class=3, return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((4,), target_sparsity=0.8, solver="lbfgs", random_state=0)
    >>> display = WeightMaskDisplay.from_estimator(clf.fit(X / 16, y), image_shape=(8, 8))
    >>> len(display.axes_) == len(display.units_) <= 4
    True
    """

    def __init__(self, *, coefs, masks, image_shape=None, feature_names=None):
        self.coefs = coefs
        self.masks = masks
        self.image_shape = image_shape
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        image_shape: tuple[int, int] | None = None,
        feature_names: ArrayLike | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the remaining weights of a fitted estimator.

        Parameters
        ----------
        estimator : object
            A fitted OBSPrunedMLPClassifier or OBSPrunedMLPRegressor, a Pipeline or a search that
            contains one, or scikit-learn's own network.
        image_shape : (int, int), default=None
            Height and width of the images, if the inputs are pixels.
        feature_names : array-like of shape (n_features,), default=None
            Names of the inputs; by default the names that the estimator was fitted with, if any.
        ax : matplotlib.axes.Axes or list of them, default=None
            As in `plot`.

        Returns
        -------
        WeightMaskDisplay
            The display, which has been drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError
            As in `plot`.
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
        >>> from sklearn_obs.display import WeightMaskDisplay
        >>> len(WeightMaskDisplay.from_estimator(clf).axes_)  # a panel for each layer
        2
        """
        estimator, names = checked_network(estimator)
        if feature_names is None:
            feature_names = names
        display = cls(
            coefs=estimator.coefs_,
            masks=estimator.masks_,
            image_shape=image_shape,
            feature_names=feature_names,
        )
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None, colorbar: bool = True) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or list of them, default=None
            The axes to draw in, one for each panel. Single axes are divided into panels. By default
            a new figure is made.
        colorbar : bool, default=True
            Whether to draw the scale of the weights beside the panels.

        Returns
        -------
        WeightMaskDisplay
            The display, which has been drawn.

        Raises
        ------
        ValueError
            If the product of `image_shape` is not the number of inputs, if no weight of the first
            layer remains to be drawn as an image, if `feature_names` has another length than the
            inputs, or if `ax` is a list of another length than the panels.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> import numpy as np
        >>> from sklearn_obs.display import WeightMaskDisplay
        >>> W = np.array([[1.0, 0.0], [0.0, -2.0]])
        >>> WeightMaskDisplay(coefs=[W], masks=[W != 0]).plot(colorbar=False).colorbar_ is None
        True
        """
        n_inputs = len(self.coefs[0])
        names = checked_names(self.feature_names, n_inputs, "feature_names")
        maps = [
            np.ma.masked_array(coef, ~np.asarray(mask))
            for coef, mask in zip(self.coefs, self.masks, strict=True)
        ]
        if self.image_shape is None:
            colours = self._plot_layers(maps, names, ax)
        else:
            colours = self._plot_units(maps[0], ax)
        self.ax_, self.figure_, self.colorbar_ = self.axes_[0], self.axes_[0].figure, None
        if colorbar:
            self.colorbar_ = self.figure_.colorbar(colours, ax=list(self.axes_), label="weight")
        return self

    def _plot_layers(self, maps, names, ax):
        from matplotlib.ticker import FixedLocator, MaxNLocator

        n_layers = len(maps)
        n_rows, widths = max(map(len, maps)), [min(max(W.shape[1], 8), 60) for W in maps]
        self.axes_ = checked_axes(
            ax,
            n_layers,
            figsize=(0.11 * sum(widths) + 1.4 * n_layers + 1, min(max(0.11 * n_rows, 2), 6.5) + 1),
            widths=widths,
        )
        colours = _colours(maps)
        for layer, (W, axes) in enumerate(zip(maps, self.axes_, strict=True), start=1):
            _draw_matrix(axes, W, colours)
            read = "input" if layer == 1 else f"unit of hidden layer {layer - 1}"
            reader = "output" if layer == n_layers else f"unit of hidden layer {layer}"
            title = f"layer {layer}: {W.shape[0]} × {W.shape[1]}\n{W.count()} of {W.size} weights"
            axes.set_title(title, fontsize=10)
            axes.set(xlabel=reader, ylabel=read)
            for n_cells, axis in zip(W.shape, (axes.yaxis, axes.xaxis), strict=True):
                few = MaxNLocator(integer=True, steps=[1, 2, 5, 10])
                axis.set_major_locator(few if n_cells > 1 else FixedLocator([0]))
        if names is not None:
            rows = np.arange(0, len(names), math.ceil(len(names) / MOST_NAMES))
            labels = [names[row] for row in rows]
            self.axes_[0].set_yticks(rows, labels, fontsize=7, parse_math=False)
            self.axes_[0].set_ylabel("")
        return colours

    def _plot_units(self, W, ax):
        shape = tuple(self.image_shape)
        if len(shape) != 2 or math.prod(shape) != len(W):
            raise ValueError(
                f"Got image_shape={shape}, but expected a height and a width. Their product has to "
                f"be the number of inputs, {len(W)}."
            )
        self.units_ = np.flatnonzero(W.count(axis=0))
        if not self.units_.size:
            raise ValueError(
                "Got a network that reads no pixel, because no weight of its first layer remains. "
                "Draw it without `image_shape`."
            )
        n_columns = min(math.ceil(math.sqrt(2 * self.units_.size)), 10)
        n_rows = math.ceil(self.units_.size / n_columns)
        size = (max(1.25 * n_columns, 2.5) + 0.9, max(1.4 * n_rows, 2))
        self.axes_ = checked_axes(ax, self.units_.size, figsize=size, n_columns=n_columns)
        colours = _colours([W])
        for unit, axes in zip(self.units_, self.axes_, strict=True):
            pixels = W[:, unit].reshape(shape)
            _draw_matrix(axes, pixels, colours)
            axes.set(xticks=[], yticks=[], aspect="equal")
            title = f"unit {unit}: {pixels.count()} px"
            size = min(8, 1.6 * size_in_points(axes)[0] / len(title))
            if size >= SMALLEST_FONT:
                axes.set_title(title, fontsize=size)
        return colours


def _colours(maps):
    """The colour scale that all panels share, symmetric about 0."""
    from matplotlib.cm import ScalarMappable

    largest = max((float(np.abs(W.compressed()).max()) for W in maps if W.count()), default=0)
    return ScalarMappable(*signed_colours(largest or 1.0))


def _draw_matrix(ax, W, colours):
    """Draw weights as coloured cells with their signs; if cells are too small, draw only signs."""
    n_rows, n_columns = W.shape
    rows, columns = np.nonzero(~np.ma.getmaskarray(W))
    weights = W.data[rows, columns]
    ink, room = colours.to_rgba(weights), 0.6 * min(size_in_points(ax) / (n_columns, n_rows))
    if room >= SMALLEST_SIGN:
        grid_kw = {"color": "white", "linewidth": 0.5, "zorder": 0}
        ax.hlines(np.arange(1, n_rows) - 0.5, -0.5, n_columns - 0.5, **grid_kw)
        ax.vlines(np.arange(1, n_columns) - 0.5, -0.5, n_rows - 0.5, **grid_kw)
        ax.imshow(W, norm=colours.norm, cmap=colours.cmap, aspect="auto", interpolation="nearest")
        ink = np.where(is_dark(ink), "white", "black")
    for marker, chosen in (("+", weights >= 0), ("_", weights < 0)):
        ax.scatter(
            columns[chosen],
            rows[chosen],
            s=np.clip(room, 3, 8) ** 2,
            c=ink[chosen],
            marker=marker,
            linewidths=0.8,
        )
    ax.set(facecolor=BLANK, xlim=(-0.5, n_columns - 0.5), ylim=(n_rows - 0.5, -0.5))
    ax.spines[:].set_color("0.7")
