r"""
GridSearchCV over sparsity and damping
======================================

How sparse, and with how much damping? Surgery adds `damping` times the mean diagonal of the Hessian
H to its diagonal:

.. math::

    H \leftarrow H + \mathrm{damping} \cdot \mathrm{mean}(\mathrm{diag}\, H) \, I

Of the settings at most a point of accuracy below the best, the sparsest is chosen. For sparsities
alone, `OBSPrunedMLPCV` searches in about the time of one fit a fold, by one standard error::

    python examples/plot_grid_search.py [--out FOLDER]
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier

parser = argparse.ArgumentParser(description="A grid search over sparsity and damping.")
parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
options = parser.parse_args()

SPARSITIES = [0.0, 0.8, 0.9, 0.95, 0.98]
DAMPINGS = [1e-3, 1e-2, 1e-1]
N_FOLDS = 3


def sparsest_of_the_good(results):
    """The index of the sparsest setting that is at most a point below the best."""
    accuracy = results["mean_test_score"]
    sparsity = results["param_obsprunedmlpclassifier__target_sparsity"].astype(float)
    return np.lexsort((accuracy, np.where(accuracy >= accuracy.max() - 0.01, sparsity, -1)))[-1]


# %%
# The scaler belongs into the pipeline. The workers are the grid's: the estimator's own `n_jobs` is
# left at None. With ``memory="folder"`` each fold's dense network would be trained once for all.

X, y = load_breast_cancer(return_X_y=True)
model = make_pipeline(
    StandardScaler(),
    OBSPrunedMLPClassifier((10,), solver="lbfgs", alpha=0.1, max_iter=500, random_state=0),
)
grid = {
    "obsprunedmlpclassifier__target_sparsity": SPARSITIES,
    "obsprunedmlpclassifier__damping": DAMPINGS,
}
search = GridSearchCV(model, grid, cv=N_FOLDS, n_jobs=2, refit=sparsest_of_the_good)
search.fit(X, y)

# %%
# Damping matters little where the network is retrained after each round, which is the default.

accuracy = search.cv_results_["mean_test_score"].reshape(len(DAMPINGS), len(SPARSITIES))
print(f"Accuracy in {N_FOLDS}-fold cross-validation")
print("damping   sparsity" + "".join(f"{s:7.2f}" for s in SPARSITIES))
for damping, row in zip(DAMPINGS, accuracy, strict=True):
    print(f"{damping:7g}           " + "".join(f"{a:7.3f}" for a in row))

classifier = search.best_estimator_[-1]
names = load_breast_cancer().feature_names[classifier.inputs_]
print(
    f"Chosen: target_sparsity={classifier.target_sparsity}, damping={classifier.damping}, "
    f"accuracy {search.cv_results_['mean_test_score'][search.best_index_]:.3f}, "
    f"{classifier.n_weights_} weights"
)
print(f"It reads {names.size} of {X.shape[1]} inputs: {', '.join(names)}")

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for damping, row, style in zip(DAMPINGS, accuracy, ("o-", "s--", "^:"), strict=True):
    ax.plot(100 * np.array(SPARSITIES), row, style, label=f"damping={damping:g}")
best = search.best_index_
ax.plot(100 * classifier.target_sparsity, search.cv_results_["mean_test_score"][best], "k*", ms=14)
ax.set(xlabel="weights removed (%)", ylabel=f"accuracy, {N_FOLDS}-fold cross-validation")
ax.set_title("breast_cancer; the star is chosen")
ax.grid(alpha=0.3)
ax.legend()
figure.savefig(options.out / "grid_search.png", dpi=150)
