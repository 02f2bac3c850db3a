"""What every display checks before it draws: matplotlib, the estimator, the names, the axes."""

import math

import numpy as np

from sklearn_obs.estimators.inside import input_names, taken_apart


def checked_pyplot():
    """matplotlib's pyplot, or an ImportError that says how to install it."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Figures need matplotlib: python -m pip install 'sklearn-obs[plot]'"
        ) from error
    return pyplot


def checked_network(model):
    """The network in a model, and the names of its inputs or None.

    Raises
    ------
    TypeError
        If there is none inside.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    _, network, _ = taken_apart(model)
    return network, input_names(model)


def checked_names(names, n_names, argument):
    """A list of so many strings, or None for None."""
    if names is None:
        return None
    names = [str(name) for name in names]
    if len(names) != n_names:
        raise ValueError(f"Got {len(names)} names in `{argument}`, but expected {n_names}.")
    return names


def checked_axes(ax, n_axes, *, figsize, n_columns=None, widths=None):
    """An array of `n_axes` axes: new ones for None, parts of a single one, or those of a list.

    New ones stand in rows of `n_columns` (all in one by default), with columns in proportion to
    `widths`.
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
