r"""
GridSearchCV over sparsity and damping
======================================

This page shows how to search over several parameters of pruning with scikit-learn's `GridSearchCV`,
and how to choose the sparsest of the good networks instead of the best one. The parameters are
`target_sparsity` and `damping`, which is explained in :ref:`sphx_glr_gallery_plot_damping.py`. If
you search over sparsities alone, use `OBSPrunedMLPCV` instead: it takes about as long as one fit
for each fold (see :ref:`sphx_glr_gallery_plot_choose_sparsity.py`).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier

SPARSITIES = [0.0, 0.8, 0.9, 0.95, 0.98]
DAMPINGS = [1e-3, 1e-2, 1e-1]
N_FOLDS = 3


def sparsest_of_the_good(results):
    """The index of the sparsest setting whose accuracy is at most 0.01 below the best."""
    accuracy = results["mean_test_score"]
    sparsity = results["param_obsprunedmlpclassifier__target_sparsity"].astype(float)
    return np.lexsort((accuracy, np.where(accuracy >= accuracy.max() - 0.01, sparsity, -1)))[-1]


# %%
# The scaler is a step of the Pipeline, so that it is fitted on training samples only. `n_jobs` is
# set for the search, and that of the estimator is left at None. With ``memory="folder"`` the dense
# network of each fold would be trained only once (see :ref:`sphx_glr_gallery_plot_memory.py`).
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
# Damping matters little here, because the network is retrained after each round. This is the
# default.
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
image = ax.imshow(accuracy, cmap="Blues", aspect="auto")
for (i, j), value in np.ndenumerate(accuracy):
    dark = value > accuracy.mean()
    ax.text(j, i, f"{value:.3f}", ha="center", va="center", color="white" if dark else "black")
row, column = divmod(search.best_index_, len(SPARSITIES))
frame = plt.Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="C1", linewidth=4)
frame.set_clip_on(False)
ax.add_patch(frame)
ax.set_xticks(range(len(SPARSITIES)), [f"{s:.0%}" for s in SPARSITIES])
ax.set_yticks(range(len(DAMPINGS)), DAMPINGS)
ax.set(xlabel="weights removed", ylabel="damping")
ax.set_title("accuracy in cross-validation; the frame is chosen")
plt.show()
