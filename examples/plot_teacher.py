"""
Boosted trees as a kilobyte of C
================================

This page shows how a small network can imitate a model that is too large for a device. Boosted
trees are good at rules with thresholds, but they take hundreds of kilobytes. With ``teacher=``,
pruning and retraining imitate the out-of-fold predictions of the trees instead of the outputs of
the dense network.

The table here is made of rules with thresholds, and a tenth of its labels are wrong. A network that
learns from the labels, or imitates the dense network, learns the wrong labels as well. The trees
are less affected by wrong labels, and so is the network that imitates them.
"""

import pickle
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sklearn_obs import OBSPrunedMLPClassifier, obs_pruning_path
from sklearn_obs.export import export_c

# %%
# The table has ten columns, and the rules use four of them.
rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 10))
y = np.where(X[:, 0] > 0, X[:, 1] > 0.3, X[:, 2] > -0.3) ^ (X[:, 3] > 1)
y = (y ^ (rng.random(len(y)) < 0.1)).astype(int)
X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)

# %%
# First we fit the teacher, and measure how good and how large it is.


def measured(model):
    return model.score(X_test, y_test), log_loss(y_test, model.predict_proba(X_test))


trees = HistGradientBoostingClassifier(random_state=0)
size = len(pickle.dumps(trees.fit(X, y)))
accuracy, loss = measured(trees)
print("model             sparsity   accuracy  log loss      bytes")
print(f"{'boosted trees':17} {'':8} {accuracy:10.3f} {loss:9.3f} {size:10,}  pickled")

# %%
# Then we prune the same dense network in three ways: towards the labels, towards the outputs of the
# dense network (the default), and towards the trees.
sparsities = [0, 0.8, 0.9, 0.95]
ways = {
    "labels": {"distillation": 0},
    "dense network": {},
    "trees": {"teacher": trees},
}
points = {way: [] for way in ways}
for way, parameters in ways.items():
    net = OBSPrunedMLPClassifier((30, 30), max_iter=500, random_state=0, **parameters)
    with warnings.catch_warnings():  # with more than 500 epochs it would overfit more
        warnings.simplefilter("ignore", ConvergenceWarning)
        path = obs_pruning_path(net, X, y, sparsities=sparsities)
    for sparsity, level in zip(sparsities, path.estimators, strict=True):
        with TemporaryDirectory() as folder:
            written = export_c(level, Path(folder, "model.c"), test_data=(X_test, y_test))
        accuracy, loss = measured(level)
        points[way].append((written.n_bytes, accuracy))
        line = f"{way:17} {sparsity:8.0%} {accuracy:10.3f} {loss:9.3f} {written.n_bytes:10,}"
        print(line if sparsity or way == "labels" else f"{line}  the same dense network")

# %%
# Each pruned network is better than the dense network, whose accuracy is 0.754, because it is less
# affected by the wrong labels. The one that imitates the trees is the best.
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for way, look in zip(ways, ("s:", "^--", "o-"), strict=True):
    ax.plot(*zip(*points[way][1:], strict=True), look, label=f"towards the {way}")
of_trees, _ = measured(trees)
ax.axhline(of_trees, color="0.6", lw=1)
ax.annotate("boosted trees", (points["trees"][1][0], of_trees), va="bottom", ha="right")
ax.set_xlabel("bytes of constants in C")
ax.set_ylabel("accuracy on test samples")
ax.legend(loc="lower left")
ax.margins(y=0.35)  # room for the legend
ax.grid(alpha=0.3)
plt.show()
