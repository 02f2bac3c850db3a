r"""
How much does the weight update help?
=====================================

This page shows what Optimal Brain Surgeon gains by changing the remaining weights after each
removal. When it removes the weight q, it adds d to all others, to make up for the removal:

.. math::

    d = -\frac{w_q}{C_{qq}} \, C e_q

C is the inverse of the Hessian of the loss. One dense network is pruned in three ways, and is never
retrained:

- with OBS: weights are removed, and the others are updated;
- the same weights as with OBS are set to zero in the dense network, and nothing is updated;
- the smallest weights are set to zero.

The first two ways differ only in the weight update, and the last two only in the choice of weights.
"""

from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

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
# ``pruning_path_["removed"]`` lists the weights that OBS removed, in their order. With this list
# the same weights can be set to zero without an update.
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=0)
mlp = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=0).fit(X_train, y_train)

obs = OBSPrunedMLPClassifier.from_sklearn(mlp, retrain_epochs=0)
small = OBSPrunedMLPClassifier.from_sklearn(mlp, retrain_epochs=0, criterion="magnitude")
NAMES = ("OBS: remove and update", "same weights, no update", "smallest weights")
accuracy, loss = np.empty((2, len(LEVELS), len(NAMES)))
for i, level in enumerate(LEVELS):
    obs.prune(X_train, y_train, target_sparsity=level)
    small.prune(X_train, y_train, target_sparsity=level)
    not_updated = without(mlp, obs.pruning_path_["removed"])
    for j, model in enumerate((obs, not_updated, small)):
        accuracy[i, j] = model.score(X_test, y_test)
        loss[i, j] = log_loss(y_train, model.predict_proba(X_train))

# %%
# Up to 40% of the weights the three are equally good. Beyond that, a good choice of weights is not
# enough: only with the weight update is the accuracy still above 0.9 when 90% have been removed.
print("Test accuracy without retraining")
print("sparsity  " + "  ".join(NAMES))
for level, row in zip(LEVELS, accuracy, strict=True):
    cells = "  ".join(f"{a:{len(name)}.3f}" for a, name in zip(row, NAMES, strict=True))
    print(f"{level:8.2f}  {cells}")

STYLES = (("tab:blue", "-", "o"), ("tab:orange", "--", "s"), ("tab:gray", ":", "^"))
figure, (top, bottom) = plt.subplots(2, 1, figsize=(6, 5.5), sharex=True, layout="constrained")
for j, (name, (color, line, marker)) in enumerate(zip(NAMES, STYLES, strict=True)):
    style = {"color": color, "linestyle": line, "marker": marker, "markersize": 4, "label": name}
    top.plot(100 * LEVELS, accuracy[:, j], **style)
    bottom.plot(100 * LEVELS, loss[:, j], **style)
top.axhline(0.1, color="0.8", zorder=0)
top.annotate("chance", (1, 0.12), color="0.5")
top.set(ylabel="test accuracy", ylim=(0, 1), title="digits, no retraining")
bottom.set(ylabel="training log loss", yscale="log", xlabel="weights removed (%)")
top.legend(loc="lower left", bbox_to_anchor=(0, 0.15), frameon=False)
for ax in (top, bottom):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
