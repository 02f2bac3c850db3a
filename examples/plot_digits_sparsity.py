"""
OBS and magnitude pruning compared
==================================

This page shows how the accuracy falls as weights are removed, with Optimal Brain Surgeon and with
magnitude pruning, which removes the smallest weights. Both prune the same dense networks on digits
(64-30-10 units, 2,220 weights) in the same rounds. Each is measured without any retraining, which
shows the worth of the criterion alone, and with the default retraining. The numbers are means over
ten networks, with their standard errors.
"""

import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.display import PruningPathDisplay

# %%
# Ten networks take about half a minute. `prune` continues from where the network is, so that one
# run gives all levels.
N_SEEDS = 10
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
    dense = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=seed).fit(X, y)
    scores = []
    for parameters in METHODS.values():
        model = OBSPrunedMLPClassifier.from_sklearn(dense, **parameters)
        scores.append([model.prune(X, y, target_sparsity=s).score(X_test, y_test) for s in LEVELS])
    return dense.score(X_test, y_test), scores


results = Parallel(n_jobs=2)(delayed(one_seed)(seed) for seed in range(N_SEEDS))
dense, scores = zip(*results, strict=True)
means = np.mean(scores, axis=0)
errors = np.std(scores, axis=0, ddof=1) / N_SEEDS**0.5

# %%
# The weight update helps most where nothing is retrained. The default retraining imitates the
# outputs of the dense network, and this helps magnitude pruning as well.
print(f"dense: accuracy {np.mean(dense):.3f}, mean of {N_SEEDS} seeds")
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
plt.show()
