r"""
What the repair is worth
========================

The same removals with and without it, and the smallest weights. When Optimal Brain Surgeon removes
weight q, all others move to make up for it:

.. math::

    \delta w = -\frac{w_q}{[H^{-1}]_{qq}} \, H^{-1} e_q

Three ways to thin out one dense network, none of them retrained:

- OBS: remove and repair;
- the same weights as OBS, set to zero in the dense network: the choice without the repair;
- the smallest weights.

What separates the first two is the repair alone, what separates the last two is the choice::

    python examples/plot_compensation.py [--out FOLDER]
"""

import argparse
from copy import deepcopy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

parser = argparse.ArgumentParser(description="The same removals with and without the repair.")
parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
options = parser.parse_args()

LEVELS = np.array([0, 10, 20, 30, 40, 50, 60, 65, 70, 75, 80, 85, 90, 93, 95, 97, 98]) / 100


def without(mlp, removed):
    """A copy of the network with the weights at these flat indices set to zero."""
    copy = deepcopy(mlp)
    weights = np.concatenate([W.ravel() for W in mlp.coefs_])
    weights[removed] = 0
    ends = np.cumsum([W.size for W in mlp.coefs_])[:-1]
    parts = np.split(weights, ends)
    copy.coefs_ = [w.reshape(W.shape) for w, W in zip(parts, mlp.coefs_, strict=True)]
    return copy


# %%
# `removed` in the record of surgery are the weights that went, in their order; so the choice can be
# had without the repair.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=0)
mlp = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=0).fit(X_train, y_train)

obs = OBSPrunedMLPClassifier.from_sklearn(mlp, retrain_epochs=0)
small = OBSPrunedMLPClassifier.from_sklearn(mlp, retrain_epochs=0, criterion="magnitude")
NAMES = ("OBS: remove and repair", "same weights, no repair", "smallest weights")
accuracy, loss = np.empty((2, len(LEVELS), len(NAMES)))
for i, level in enumerate(LEVELS):
    obs.prune(X_train, y_train, target_sparsity=level)
    small.prune(X_train, y_train, target_sparsity=level)
    unrepaired = without(mlp, obs.pruning_path_["removed"])
    for j, model in enumerate((obs, unrepaired, small)):
        accuracy[i, j] = model.score(X_test, y_test)
        loss[i, j] = log_loss(y_train, model.predict_proba(X_train))

# %%
# Up to 40 % of the weights the three are equal. Beyond, the choice alone is not enough: the repair
# carries the network to 90 %.

print("Test accuracy without retraining")
print("sparsity  " + "  ".join(NAMES))
for level, row in zip(LEVELS, accuracy, strict=True):
    cells = "  ".join(f"{a:{len(name)}.3f}" for a, name in zip(row, NAMES, strict=True))
    print(f"{level:8.2f}  {cells}")

STYLES = (("tab:blue", "-", "o"), ("tab:orange", "--", "s"), ("tab:gray", ":", "^"))
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for j, (name, (color, line, marker)) in enumerate(zip(NAMES, STYLES, strict=True)):
    style = {"color": color, "linestyle": line, "marker": marker, "markersize": 4, "label": name}
    left.plot(100 * LEVELS, accuracy[:, j], **style)
    right.plot(100 * LEVELS, loss[:, j], **style)
left.axhline(0.1, color="0.8", zorder=0)
left.annotate("chance", (1, 0.11), color="0.5")
left.set(ylabel="test accuracy", ylim=(0, 1), xlabel="weights removed (%)")
right.set(ylabel="training log-loss (nats)", yscale="log", xlabel="weights removed (%)")
left.legend(loc="lower left", bbox_to_anchor=(0, 0.15), frameon=False)
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure.suptitle("Digits, 64-30-10, one dense network, no retraining")
figure.savefig(options.out / "compensation.png", dpi=150)
