"""
A pruned network in a Pipeline
==============================

This page shows how to prune a network in scikit-learn's usual way, and how little accuracy it
costs to remove 80% or 90% of the weights. `OBSPrunedMLPClassifier` does all of it in `fit`: it
trains scikit-learn's network, removes weights in rounds, and retrains after each round. You can use
it wherever you use `MLPClassifier`.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_obs import OBSPrunedMLPClassifier

# %%
# The data are images of handwritten digits with 8 x 8 pixels. A quarter of them is kept for
# testing.
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

# %%
# With ``target_sparsity=0`` nothing is removed. This is the dense network, and the other two are
# pruned versions of it. `inputs_` and `units_` say which pixels and hidden units are still in use.
n_weights, accuracies = [], []
print("sparsity  weights  inputs read  units  train accuracy  test accuracy")
for target_sparsity in (0, 0.8, 0.9):
    classifier = OBSPrunedMLPClassifier(
        (30,), target_sparsity=target_sparsity, alpha=1e-3, max_iter=1000, random_state=0
    )
    model = make_pipeline(MinMaxScaler(), classifier).fit(X_train, y_train)
    n_weights.append(classifier.n_weights_)
    accuracies.append(model.score(X_test, y_test))
    print(
        f"{classifier.sparsity_:8.2f} {classifier.n_weights_:8d} {classifier.inputs_.size:12d} "
        f"{classifier.units_[0].size:6d} {model.score(X_train, y_train):15.3f} "
        f"{accuracies[-1]:14.3f}"
    )

# %%
# The bars are the numbers of weights that remain. The standard error of an accuracy on 450 test
# samples is about 0.007, so the three networks are equally good as far as this test can tell.
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
bars = ax.barh(["dense", "80% removed", "90% removed"], n_weights, color=["0.7", "C0", "C0"])
ax.bar_label(
    bars,
    [f"{n:,} weights\naccuracy {a:.3f}" for n, a in zip(n_weights, accuracies, strict=True)],
    padding=6,
)
ax.invert_yaxis()
ax.set(xlim=(0, 3100), xlabel="remaining weights", title="digits, 30 hidden units")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
