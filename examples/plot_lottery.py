"""
The lottery-ticket experiment
=============================

Is it the mask that OBS finds, or the weights that it leaves? ::

    python examples/plot_lottery.py [--seeds 5] [--out FOLDER]

A network is trained on digits and pruned. The mask that is found is then trained anew, for as many
passes as the dense network, from the initial weights of that network ("ticket") and from other
initial weights; a random mask with the same number of weights in each layer is trained from the
initial weights, too. Frankle and Carbin (2019) found that tickets of large networks, found by
magnitude, train as well as the dense network, and that random masks do not.

Here the mask with its own initial weights does about as well as the pruned network up to 95 %; from
other weights it loses some points. At 98 % neither comes near: there the weights that OBS leaves
count, and the passes of retraining after each of its rounds.

The initial weights come back by public means: scikit-learn's `MLPClassifier` with ``max_iter=1``
and a learning rate of 1e-12 is the network of this `random_state` as it was before training.

Frankle, J. and Carbin, M. (2019). The lottery ticket hypothesis: finding sparse, trainable neural
networks. ICLR.
"""

import argparse
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.network import Network, forward, mean_objective
from sklearn_obs.retraining.lbfgs import lbfgs

parser = argparse.ArgumentParser(description="Masks found by OBS, trained anew.")
parser.add_argument("--seeds", type=int, default=5)
parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
options = parser.parse_args()

LEVELS = (0.8, 0.9, 0.95, 0.98)
ALPHA, PASSES = 1e-3, 200


def untrained(X, y, seed):
    """The weights and intercepts that training with this seed starts from."""
    start = MLPClassifier((30,), max_iter=1, learning_rate_init=1e-12, random_state=seed).fit(X, y)
    return Network(tuple(start.coefs_), tuple(start.intercepts_), "relu", "softmax")


def same_counts(masks, rng):
    """Random masks with as many weights in each layer."""
    return [rng.permutation(mask.ravel()).reshape(mask.shape) for mask in masks]


# %%
# One network: pruned, and its masks trained anew from three starts.


def one_network(seed):
    """Test accuracy: the dense network's, then per level pruned, ticket, other start, random."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=seed)
    initial, other = untrained(X, y, seed), untrained(X, y, seed + 1000)
    objective = mean_objective(X, np.eye(10)[y], np.ones(len(X)), alpha=ALPHA, step_samples=len(X))

    def trained_score(start, masks):
        mask = np.concatenate([m.ravel() for m in (*masks, *model.intercept_masks_)])
        start = start.with_theta(start.theta * mask)
        done = lbfgs(start, mask, objective, epochs=PASSES, tol=1e-4).network
        return np.mean(forward(done, X_test)[-1].argmax(axis=1) == y_test)

    dense = MLPClassifier((30,), solver="lbfgs", alpha=ALPHA, max_iter=PASSES, random_state=seed)
    model = OBSPrunedMLPClassifier.from_sklearn(dense.fit(X, y))
    rows = []
    for level in LEVELS:
        model.prune(X, y, target_sparsity=level)
        rng = np.random.default_rng([seed, round(100 * level)])
        rows.append(
            (
                model.score(X_test, y_test),
                trained_score(initial, model.masks_),
                trained_score(other, model.masks_),
                trained_score(initial, same_counts(model.masks_, rng)),
            )
        )
    return dense.score(X_test, y_test), rows


# %%
# All networks.

threadpool_limits(1)  # on matrices this small a second BLAS thread costs more than it does
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    dense, rows = zip(*(one_network(seed) for seed in range(options.seeds)), strict=True)
names = ("pruned", "ticket", "other start", "random mask")
mean = np.mean(rows, axis=0)
error = np.std(rows, axis=0, ddof=1) / options.seeds**0.5
print(f"test accuracy, mean of {options.seeds} networks; dense {np.mean(dense):.3f}")
print("sparsity " + " ".join(f"{name:>15}" for name in names))
for level, values, errors in zip(LEVELS, mean, error, strict=True):
    cells = (f"{v:.3f} +- {e:.3f}" for v, e in zip(values, errors, strict=True))
    print(f"{level:8.2f} " + " ".join(f"{cell:>15}" for cell in cells))

# %%
# Bars are standard errors over the networks.

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, values, errors, look in zip(
    names, mean.T, error.T, ("k-o", "C0--s", "C1-.^", "C7:v"), strict=True
):
    ax.errorbar(range(len(LEVELS)), values, errors, fmt=look, capsize=2, label=name)
ax.axhline(np.mean(dense), color="0.8", lw=1, zorder=0)
ax.set_xticks(range(len(LEVELS)), [f"{100 * level:.0f}" for level in LEVELS])
ax.set(xlabel="sparsity (%)", ylabel="test accuracy", title="Digits, masks trained anew")
ax.legend(frameon=False)
figure.savefig(options.out / "lottery.png", dpi=150)
