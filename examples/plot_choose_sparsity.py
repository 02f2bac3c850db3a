"""
How far can it be pruned? Cross-validation, and one standard error
==================================================================

One dense fit and one surgery give all sparsities; cross-validation scores each of them on rows left
out, and takes the sparsest within one standard error of the best. Two networks are drawn on one
axis, with 10 hidden units and with 30, on diabetes, where dense networks overfit::

    python examples/plot_choose_sparsity.py [--out FOLDER]
"""

import argparse
import warnings
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale

from sklearn_obs import OBSPrunedMLPCV, OBSPrunedMLPRegressor, obs_pruning_path
from sklearn_obs.display import PruningPathDisplay

parser = argparse.ArgumentParser(description="Cross-validation over sparsities.")
parser.add_argument("--out", type=Path, default=Path(), help="folder for the figures")
options = parser.parse_args()
warnings.simplefilter("ignore", ConvergenceWarning)

# %%
# A search a network, over twelve sparsities.

X, y = load_diabetes(return_X_y=True)
X, y = scale(X), scale(y)
searches = {}
for n_units in (10, 30):
    net = OBSPrunedMLPRegressor((n_units,), alpha=1e-3, max_iter=500, random_state=0)
    search = OBSPrunedMLPCV(net, sparsities=12).fit(X, y)
    searches[f"{n_units} units"] = search
    print(f"{n_units} hidden units: R2 in cross-validation")
    for sparsity, score in zip(search.sparsities_, search.scores_.mean(axis=0), strict=True):
        mark = " <- chosen" if sparsity == search.sparsity_ else ""
        print(f"  {sparsity:6.1%}  {score:.3f}{mark}")
    print(f"  {search.estimator_.n_weights_} weights, {search.estimator_.inputs_.size} inputs")

# %%
# Bars are standard errors over the folds. The vertical lines are the sparsities that were chosen.

first, second = searches.items()
display = PruningPathDisplay.from_cv(first[1], name=first[0])
PruningPathDisplay.from_cv(second[1], name=second[0], ax=display.ax_)
display.figure_.savefig(options.out / "choose_sparsity.png", dpi=150)

# %%
# The path alone, on the training rows: it says how far the network can go before it no longer fits,
# not how well it generalises.

path = obs_pruning_path(net, X, y, sparsities=search.sparsities_)
display = PruningPathDisplay.from_path(path, score_name="training R2")
display.figure_.savefig(options.out / "pruning_path.png", dpi=150)
