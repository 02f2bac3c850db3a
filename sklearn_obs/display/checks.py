"""Checks of all displays before they draw: of matplotlib, the estimator, names and axes."""

import math

import numpy as np

from sklearn_obs.estimators.inside import input_names, taken_apart


def checked_pyplot():
    """Import matplotlib's pyplot, or raise an ImportError that says how to install it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Figures need matplotlib: python -m pip install 'sklearn-obs[plot]'"
        ) from error
    return pyplot


def checked_network(model):
    """Return the network in a model, and the names of its inputs or None.

    Raises
    ------
    TypeError
        If the model contains no network.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    _, network, _ = taken_apart(model)
    return network, input_names(model)


def checked_names(names, n_names, argument):
    """The names as a list of strings, after a check of their number; None if `names` is None."""
    if names is None:
        return None
    names = [str(name) for name in names]
    if len(names) != n_names:
        raise ValueError(f"Got {len(names)} names in `{argument}`, but expected {n_names}.")
    return names


def checked_axes(ax, n_axes, *, figsize, n_columns=None, widths=None):
    """Return an array of `n_axes` axes: new ones for None, parts of single ones, or those listed.

    New axes are arranged in rows of `n_columns` (by default in one row). `widths` are the relative
    widths of the columns.
    """
    plt = checked_pyplot()
    n_columns = n_columns or n_axes
    n_rows = math.ceil(n_axes / n_columns)
    if ax is None:
        figure = plt.figure(figsize=figsize, layout="constrained")
        grid = figure.add_gridspec(n_rows, n_columns, width_ratios=widths)
    elif not isinstance(ax, plt.Axes):
        axes = np.asarray(ax, dtype=object).ravel()
        if axes.size != n_axes:
            raise ValueError(f"Got ax with {axes.size} axes, but expected {n_axes}.")
        return axes
    elif n_axes == 1:
        return np.array([ax], dtype=object)
    else:
        if not ax.axison or ax.get_subplotspec() is None:
            raise ValueError(
                f"Got an Axes that cannot be divided into the {n_axes} that are needed, because it "
                "is off (has it been divided already?) or not part of a grid. Pass a list of axes, "
                "such as the `axes_` of the display that divided it."
            )
        ax.set_axis_off()
        figure = ax.figure
        managed = ax.figure.get_layout_engine() is not None
        gaps = {} if managed else {"wspace": 0.4, "hspace": 0.5}
        grid = ax.get_subplotspec().subgridspec(n_rows, n_columns, width_ratios=widths, **gaps)
    axes = np.empty(n_axes, dtype=object)
    for number in range(n_axes):
        axes[number] = figure.add_subplot(grid[divmod(number, n_columns)])
    return axes
