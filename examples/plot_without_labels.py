"""
Pruning without labels
======================

This page shows that you can prune a network with samples that have no labels. Labels are often
expensive, but more samples are not. `prune` imitates the outputs of the dense network, and for that
it needs no labels: ``prune(X)`` is enough.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier

# %%
# Of 1,797 images of digits, 300 have labels for training, 450 are for testing, and we hide the
# labels of the rest.
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=450, stratify=y, random_state=0)
X, X_unlabelled, y, _ = train_test_split(X, y, train_size=300, stratify=y, random_state=0)

# %%
# One dense network is trained on the labelled samples, and pruned in three ways.
dense = MLPClassifier((30,), solver="lbfgs", alpha=1, max_iter=1000, random_state=0).fit(X, y)
ways = {
    "300 samples with labels: prune(X, y)": (X, y),
    "the same samples without labels: prune(X)": (X,),
    f"{len(X_unlabelled):,} other samples without labels": (X_unlabelled,),
}
levels = [0.5, 0.7, 0.8, 0.9, 0.93, 0.95, 0.97]
scores = {}
print(f"accuracy of the dense network: {dense.score(X_test, y_test):.3f}")
print(f"{'weights removed':42}" + "".join(f"{level:7.0%}" for level in levels))
for name, samples in ways.items():
    net = OBSPrunedMLPClassifier.from_sklearn(dense)
    scores[name] = [
        net.prune(*samples, target_sparsity=level).score(X_test, y_test) for level in levels
    ]
    print(f"{name:42}" + "".join(f"{score:7.3f}" for score in scores[name]))

# %%
# Without labels the accuracy is nearly the same. With the other samples it is even a little higher
# from 80% on, because there are more of them. A difference of 0.01 may be chance: this is about the
# standard error of an accuracy on 450 samples.
_, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
for (name, row), style in zip(scores.items(), ("o-", "s--", "^-."), strict=True):
    ax.plot([100 * level for level in levels], row, style, label=name)
ax.axhline(dense.score(X_test, y_test), color="0.6", lw=1, label="dense network")
ax.set(xlabel="weights removed (%)", ylabel="accuracy on test samples")
ax.set_title("digits, 300 labelled samples")
ax.grid(alpha=0.3)
ax.legend(loc="lower left", frameon=False)
plt.show()
