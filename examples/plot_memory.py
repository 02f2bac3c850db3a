"""
Train each dense network once in a grid search
==============================================

This page shows how to save time in a search over parameters of pruning. Such parameters do not
change the dense network, so that it is enough to train it once for each fold. With ``memory=`` set
to a folder, the trained dense networks are kept there, and all settings of the same fold start from
the same one. The results are the same as without it.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier

# %%
# There are three dampings and four sparsities. That is 12 settings, each of them in 3 folds.
SPARSITIES, DAMPINGS, N_FOLDS = [0.8, 0.9, 0.95, 0.98], [0.002, 0.02, 0.2], 3
grid = {
    "obsprunedmlpclassifier__damping": DAMPINGS,
    "obsprunedmlpclassifier__target_sparsity": SPARSITIES,
}
X, y = load_breast_cancer(return_X_y=True)
net = OBSPrunedMLPClassifier((20,), solver="lbfgs", alpha=0.1, max_iter=1000, random_state=0)

# %%
# joblib writes one file for each result that it keeps. So we can count in the folder how many dense
# networks were trained. `random_state` has to be an integer, otherwise nothing is kept: then two
# dense networks are meant to differ.
with TemporaryDirectory() as folder:
    model = make_pipeline(StandardScaler(), net.set_params(memory=folder))
    search = GridSearchCV(model, grid, cv=N_FOLDS, refit=False).fit(X, y)
    n_trained = len(list(Path(folder).rglob("output.pkl")))
n_pruned = len(search.cv_results_["params"]) * N_FOLDS
print(f"{n_pruned} networks were pruned, {n_trained} dense networks were trained")

# %%
# The figure shows the scores of the search, and how many dense networks were trained for it.
scores = search.cv_results_["mean_test_score"].reshape(len(DAMPINGS), len(SPARSITIES))
figure, (left, right) = plt.subplots(
    1, 2, figsize=(7, 4), width_ratios=[3, 2], layout="constrained"
)
for damping, row, style in zip(DAMPINGS, scores, ("o-", "s--", "^:"), strict=True):
    left.plot([f"{s:.0%}" for s in SPARSITIES], row, style, label=f"damping={damping:g}")
left.set(xlabel="weights removed", ylabel=f"accuracy, {N_FOLDS}-fold cross-validation")
left.set_ylim(0.9, 1)
left.legend()
left.grid(alpha=0.3)
bars = right.bar(["without\nmemory", "with\nmemory"], [n_pruned, n_trained], color=["0.7", "C0"])
right.bar_label(bars)
right.set_title("dense networks trained", fontsize=10)
right.spines[["top", "right"]].set_visible(False)
plt.show()
