"""Pictures. matplotlib is imported only here, and only when something is drawn."""


def plot_sparsity(curves, *, ylabel, dense=None, title=None, ax=None):
    """Scores against sparsity, one line a method.

    Parameters
    ----------
    curves : dict of str to (array-like, array-like)
        Label of each line, its sparsities (shares in [0, 1)) and its scores.
    ylabel : str
        What the scores are.
    dense : float, default=None
        The dense network's score, drawn as a level.
    title : str, default=None
    ax : matplotlib.axes.Axes, default=None
        A new figure by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from sklearn_obs.display import plot_sparsity
    >>> ax = plot_sparsity({"OBS": ([0.5, 0.9], [0.97, 0.95])}, ylabel="accuracy")
    >>> ax.get_ylabel()
    'accuracy'
    """
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Figures need matplotlib: python -m pip install 'sklearn-obs[plot]'"
        ) from error
    if ax is None:
        _, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
    if dense is not None:
        ax.axhline(dense, color="0.4", linewidth=1, linestyle=":", label="dense network")
    for (label, (sparsities, scores)), marker in zip(curves.items(), "os^Dvx*", strict=False):
        percent = [100 * s for s in sparsities]
        ax.plot(percent, scores, marker=marker, markersize=4, linewidth=1.5, label=label)
    ax.set(xlabel="weights removed (%)", ylabel=ylabel, title=title)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    return ax
