"""
How many weights can be removed? Cross-validation tells
=======================================================

This page shows how to let cross-validation choose the sparsity. `OBSPrunedMLPCV` trains one dense
network for each fold, prunes it step by step, and scores each step on the samples of the fold that
were held out. Of the sparsities within one standard error of the best score, it takes the highest.

The data are those of diabetes, on which dense networks overfit. Two networks are compared, one with
10 and one with 30 hidden units.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from sklearn_obs import OBSPrunedMLPCV, OBSPrunedMLPRegressor, obs_pruning_path
from sklearn_obs.display import PruningPathDisplay

# %%
# One search for each network, over twelve sparsities.
X, y = load_diabetes(return_X_y=True)
X, y = scale(X), scale(y)
searches = {}
for n_units in (10, 30):
    net = OBSPrunedMLPRegressor((n_units,), alpha=1e-3, max_iter=500, random_state=0)
    with warnings.catch_warnings():  # training stops after 500 epochs: with more it overfits more
        warnings.simplefilter("ignore", ConvergenceWarning)
        search = OBSPrunedMLPCV(net, sparsities=12).fit(X, y)
    searches[f"{n_units} units"] = search
    print(f"{n_units} hidden units: R2 in cross-validation")
    for sparsity, score in zip(search.sparsities_, search.scores_.mean(axis=0), strict=True):
        mark = " <- chosen" if sparsity == search.sparsity_ else ""
        print(f"  {sparsity:6.1%}  {score:.3f}{mark}")
    print(f"  {search.estimator_.n_weights_} weights, {search.estimator_.inputs_.size} inputs")

# %%
# Each curve is the mean score, and its band is the standard error over the folds. The vertical
# lines are the sparsities that were chosen.
first, second = searches.items()
display = PruningPathDisplay.from_cv(first[1], name=first[0])
PruningPathDisplay.from_cv(second[1], name=second[0], ax=display.ax_)
plt.show()

# %%
# `obs_pruning_path` gives the same path without cross-validation. The scores here are those of the
# training samples: they show how long the network still fits, but not how well it generalises.
with warnings.catch_warnings():  # 500 epochs, as above
    warnings.simplefilter("ignore", ConvergenceWarning)
    path = obs_pruning_path(net, X, y, sparsities=search.sparsities_)
PruningPathDisplay.from_path(path, score_name="training R2")
plt.show()
