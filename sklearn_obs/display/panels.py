"""The two panels of a pruning path: one with the scores, and one with a curve for each loss."""

import numpy as np

LOSSES = {
    "predicted_loss": ("predicted", {"linestyle": "--", "fillstyle": "none", "markersize": 8}),
    "pruned_loss": ("after removal", {"linestyle": ":", "fillstyle": "bottom"}),
    "loss": ("after retraining", {"linestyle": "-"}),
}
DENSE = "dense network"


def draw_score(display, ax, style):
    """Draw the scores with a band of standard errors, and the score of the dense network."""
    percent, score = 100 * np.asarray(display.sparsities), np.asarray(display.score)
    (line,) = ax.plot(percent, score, **style)
    if display.score_error is not None:
        line.set_label(f"{style['label']} ± standard error")
        low, high = score - display.score_error, score + display.score_error
        ax.fill_between(percent, low, high, color=style["color"], alpha=0.2, linewidth=0)
    levels = [line.get_ydata()[0] for line in ax.get_lines() if line.get_label() == DENSE]
    if display.dense_score is not None and display.dense_score not in levels:
        ax.axhline(display.dense_score, color="0.4", linewidth=1, linestyle=":", label=DENSE)
    ax.set(ylabel=display.score_name)
    return [line]


def draw_losses(display, ax, kinds, name, style):
    """Draw a curve for each of these kinds of loss."""
    percent, lines = 100 * np.asarray(display.sparsities), []
    for kind in kinds:
        label, own = LOSSES[kind]
        own = own | {"label": _label(name, label)}
        lines += ax.plot(percent, getattr(display, kind), **(style | own))
    ax.set(ylabel=display.loss_name, yscale="log" if ax.dataLim.ymin > 0 else "linear")
    return lines


def finish(ax, name, colour, chosen):
    """Draw the chosen sparsity as a vertical line, the grid, the label and the legend."""
    if chosen is not None:
        label = _label(name, f"chosen: {100 * chosen:.3g}%")
        ax.axvline(100 * chosen, color=colour, linewidth=1, linestyle=":", label=label)
    ax.set(xlabel="weights removed (%)")
    ax.grid(alpha=0.3, which="both")
    handles, labels = ax.get_legend_handles_labels()
    if len(labels) > 1:
        handles.sort(key=lambda line: line.get_label() == DENSE)
        ax.legend(handles=handles, frameon=False, handlelength=3)


def _label(name, what):
    return f"{name}, {what}" if name else what
