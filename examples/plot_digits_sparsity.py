"""
Accuracy against sparsity: OBS beside magnitude pruning
=======================================================

The same dense networks on digits (64-30-10, 2,220 weights), the same rounds and the same
retraining: the score right after each removal, which is what the criterion is worth by itself, and
after retraining. The mean over ten seeds, with one standard error. The README's figure::

    python examples/plot_digits_sparsity.py [--seeds 10] [--out FOLDER]
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.display import PruningPathDisplay

parser = argparse.ArgumentParser(description="Accuracy on digits against sparsity.")
parser.add_argument("--seeds", type=int, default=10)
parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
options = parser.parse_args()

# %%
# Two ways to choose what is removed, each without retraining at all and with the default's.
# `prune` goes on from where the network stands, so that one run gives all levels.

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98)
METHODS = {
    "OBS": {},
    "magnitude": {"criterion": "magnitude"},
    "OBS, no retraining": {"retrain_epochs": 0},
    "magnitude, no retraining": {"criterion": "magnitude", "retrain_epochs": 0},
}


def one_seed(seed):
    """The dense network's test accuracy, and each method's at each level."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        dense = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=seed).fit(X, y)
    scores = []
    for parameters in METHODS.values():
        model = OBSPrunedMLPClassifier.from_sklearn(dense, **parameters)
        scores.append([model.prune(X, y, target_sparsity=s).score(X_test, y_test) for s in LEVELS])
    return dense.score(X_test, y_test), scores


# %%
# The mean over seeds, and its standard error.

dense, scores = zip(*map(one_seed, range(options.seeds)), strict=True)
means = np.mean(scores, axis=0)
errors = np.std(scores, axis=0, ddof=1) / options.seeds**0.5 if options.seeds > 1 else 0 * means

# %%
# The weight update is worth most where nothing is retrained. Retraining towards the outputs of the
# dense network, which is the default, helps magnitude pruning as well.

print(f"dense: accuracy {np.mean(dense):.3f}, mean of {options.seeds} seeds")
print(f"{'sparsity':<26}" + "".join(f"{s:>7.0%}" for s in LEVELS))
for name, row, error in zip(METHODS, means, errors, strict=True):
    print(f"{name:<26}" + "".join(f"{score:7.3f}" for score in row))
    print(f"{'  standard error':<26}" + "".join(f"{e:7.3f}" for e in error))

axes = None
for name, row, error in zip(METHODS, means, errors, strict=True):
    display = PruningPathDisplay(
        sparsities=LEVELS,
        score=row,
        score_error=error,
        dense_score=np.mean(dense),
        name=name,
        score_name="test accuracy",
    ).plot(ax=axes)
    axes = display.axes_
display.ax_.set_title("digits")
display.figure_.savefig(options.out / "digits_sparsity.png", dpi=150)
