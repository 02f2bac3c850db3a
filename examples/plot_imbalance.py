"""
A rare class
============

This page shows how to train and prune a network if one class is rare, and how to check whether its
probabilities are still right after pruning. If a class is rare, accuracy says little, because a
model that never predicts this class is right nearly always. Balanced accuracy says more: it is the
share of samples that are classified correctly, computed for each class, and then averaged.
"""

import matplotlib.pyplot as plt
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier

# %%
# In these data, about 8% of the samples are of the rare class.
X, y = make_classification(
    10_000, 20, n_informative=6, n_clusters_per_class=3, weights=[0.93], flip_y=0.02, random_state=1
)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)
print(f"{y_test.mean():.1%} of the samples are of the rare class")

# %%
# We train two networks and prune both. By default every sample has the same weight. With
# ``class_weight="balanced"`` every class has the same total weight, in training and in pruning.
probabilities = {}
print("class weights  network      accuracy  balanced accuracy  log loss")
for class_weight in (None, "balanced"):
    net = OBSPrunedMLPClassifier(
        (20,), target_sparsity=0, class_weight=class_weight, solver="lbfgs", alpha=3,
        max_iter=5000, random_state=0,
    )  # fmt: skip
    model = make_pipeline(StandardScaler(), net).fit(X, y)
    for name, sparsity in (("dense", 0), ("90% removed", 0.9)):
        if sparsity:
            net.prune(model[0].transform(X), y, target_sparsity=sparsity)
        p, predicted = model.predict_proba(X_test), model.predict(X_test)
        probabilities[f"{class_weight or 'equal'}, {name}"] = p[:, 1]
        print(
            f"{class_weight or 'equal':13}  {name:11} {model.score(X_test, y_test):9.3f} "
            f"{balanced_accuracy_score(y_test, predicted):18.3f} {log_loss(y_test, p):9.3f}"
        )

# %%
# Both networks have a lower log loss after pruning. With equal weights the pruned network is rather
# too cautious: where it says 0.7, the class is even more frequent. With balanced weights the pruned
# network finds more of the rare class, but its log loss is more than twice as high, because its
# probabilities of the rare class are too high. The figure shows this: if probabilities are right,
# the curve is on the diagonal. Use equal weights if you need probabilities, and balanced weights if
# you need classes. Or calibrate the pruned network with scikit-learn's `CalibratedClassifierCV`.
_, ax = plt.subplots(figsize=(6, 5), layout="constrained")
for (name, p), style in zip(probabilities.items(), ("C0o:", "C0s-", "C1o:", "C1s-"), strict=True):
    CalibrationDisplay.from_predictions(y_test, p, n_bins=8, name=name, ax=ax)
    line = ax.lines[-1]
    line.set(color=style[:2], marker=style[2], linestyle=style[3])
ax.set(xlabel="predicted probability of the rare class", ylabel="share of the rare class")
ax.legend(loc="upper left", title="class weights, network")
plt.show()
