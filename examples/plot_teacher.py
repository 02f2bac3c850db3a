"""
Boosted trees into a kilobyte of C
==================================

Boosted trees are good at rules with thresholds, and too large for a small device. A pruned network
can imitate them: with ``teacher=`` their out-of-fold predictions take the place of the dense
network's own outputs in pruning and retraining. The table here is made of such rules, with a tenth
of the labels wrong. The network that learns from labels, or imitates the dense network, learns the
wrong labels, too; the trees know better, and pass it on::

    python examples/plot_teacher.py [--out FOLDER]
"""

import argparse
import pickle
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sklearn_obs import OBSPrunedMLPClassifier, obs_pruning_path
from sklearn_obs.export import export_c

parser = argparse.ArgumentParser(description="Boosted trees into a kilobyte of C.")
parser.add_argument("--out", type=Path, default=Path(), help="folder for the files")
out = parser.parse_args().out

# %%
# Ten columns, four of which count, by rules with thresholds.

rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 10))
y = np.where(X[:, 0] > 0, X[:, 1] > 0.3, X[:, 2] > -0.3) ^ (X[:, 3] > 1)
y = (y ^ (rng.random(len(y)) < 0.1)).astype(int)
X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)

# %%
# The teacher, and what it takes as it is.


def measured(model):
    return model.score(X_test, y_test), log_loss(y_test, model.predict_proba(X_test))


trees = HistGradientBoostingClassifier(random_state=0)
size = len(pickle.dumps(trees.fit(X, y)))
accuracy, loss = measured(trees)
print("model             sparsity   accuracy  log loss      bytes")
print(f"{'boosted trees':17} {'':8} {accuracy:10.3f} {loss:9.3f} {size:10,}  pickled")

# %%
# Three networks along one path each: from labels, from the dense network, and from the trees.

sparsities = [0, 0.8, 0.9, 0.95]
ways = {
    "labels": {"distillation": 0},
    "dense network": {},
    "trees": {"teacher": trees},
}
points = {way: [] for way in ways}
for way, parameters in ways.items():
    net = OBSPrunedMLPClassifier((30, 30), max_iter=500, random_state=0, **parameters)
    with warnings.catch_warnings():  # the dense network need not converge
        warnings.simplefilter("ignore", ConvergenceWarning)
        path = obs_pruning_path(net, X, y, sparsities=sparsities)
    for sparsity, level in zip(sparsities, path.estimators, strict=True):
        written = export_c(level, out / "model.c", test_data=(X_test, y_test), overwrite=True)
        accuracy, loss = measured(level)
        points[way].append((written.n_bytes, accuracy))
        line = f"{way:17} {sparsity:8.0%} {accuracy:10.3f} {loss:9.3f} {written.n_bytes:10,}"
        print(line if sparsity or way == "labels" else f"{line}  the same dense network")

# %%
# All three start from the same dense network. Pruned, the one that imitates the trees is ahead of
# it: removing weights costs less than the wrong labels that are unlearned.

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
figure.savefig(out / "teacher.png", dpi=150)
