"""
The lottery-ticket experiment
=============================

This page shows which part of a pruned network matters: the mask, which says which weights remain,
or the values of these weights. A network is trained on digits and pruned. Then its mask is trained
again from scratch, for as many epochs as the dense network, in three ways:

- *ticket*: from the weights that the dense network started from;
- *other start*: from other random weights;
- *random mask*: a random mask with as many weights in each layer, from the first weights.

Frankle and Carbin (2019) found that the tickets of large networks, found by magnitude pruning,
train as well as the dense network, and that random masks do not.

Here the ticket is nearly as good as the pruned network at 80% and 90%, and worse beyond. From other
weights the same mask is worse, and a random mask is much worse. At 98% no mask that is trained
again is close to the pruned network: there the remaining weights count, and the retraining after
each round.

References
----------
Frankle, J. and Carbin, M. (2019). The lottery ticket hypothesis: finding sparse, trainable neural
networks. International Conference on Learning Representations.
"""

import warnings

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

# %%
# The functions below train one network and its masks. An untrained network comes from
# scikit-learn, with one epoch and a learning rate that changes nothing.
N_SEEDS = 5
LEVELS = (0.8, 0.9, 0.95, 0.98)
ALPHA, EPOCHS = 1e-3, 200


def untrained(X, y, seed):
    """The weights and intercepts that training with this seed starts from."""
    start = MLPClassifier((30,), max_iter=1, learning_rate_init=1e-12, random_state=seed).fit(X, y)
    return Network(tuple(start.coefs_), tuple(start.intercepts_), "relu", "softmax")


def same_counts(masks, rng):
    """Random masks with as many weights in each layer."""
    return [rng.permutation(mask.ravel()).reshape(mask.shape) for mask in masks]


def one_network(seed):
    """Test accuracy: the dense network's, then per level pruned, ticket, other start, random."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=seed)
    initial, other = untrained(X, y, seed), untrained(X, y, seed + 1000)
    objective = mean_objective(X, np.eye(10)[y], np.ones(len(X)), alpha=ALPHA, step_samples=len(X))

    def trained_score(start, masks):
        mask = np.concatenate([m.ravel() for m in (*masks, *model.intercept_masks_)])
        start = start.with_theta(start.theta * mask)
        done = lbfgs(start, mask, objective, epochs=EPOCHS, tol=1e-4).network
        return np.mean(forward(done, X_test)[-1].argmax(axis=1) == y_test)

    dense = MLPClassifier((30,), solver="lbfgs", alpha=ALPHA, max_iter=EPOCHS, random_state=seed)
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
# The mean over five networks, with its standard error.
threadpool_limits(1)  # with matrices this small, two BLAS threads are slower than one
with warnings.catch_warnings():  # training ends after 200 epochs, and after one in `untrained`
    warnings.simplefilter("ignore", ConvergenceWarning)
    dense, rows = zip(*(one_network(seed) for seed in range(N_SEEDS)), strict=True)
names = ("pruned", "ticket", "other start", "random mask")
mean = np.mean(rows, axis=0)
error = np.std(rows, axis=0, ddof=1) / N_SEEDS**0.5
print(f"test accuracy, mean of {N_SEEDS} networks; dense {np.mean(dense):.3f}")
print("sparsity " + " ".join(f"{name:>15}" for name in names))
for level, values, errors in zip(LEVELS, mean, error, strict=True):
    cells = (f"{v:.3f} +- {e:.3f}" for v, e in zip(values, errors, strict=True))
    print(f"{level:8.2f} " + " ".join(f"{cell:>15}" for cell in cells))

# %%
# The bars are standard errors.
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, values, errors, look in zip(
    names, mean.T, error.T, ("k-o", "C0--s", "C1-.^", "C7:v"), strict=True
):
    ax.errorbar(range(len(LEVELS)), values, errors, fmt=look, capsize=2, label=name)
ax.axhline(np.mean(dense), color="0.8", lw=1, zorder=0)
ax.set_xticks(range(len(LEVELS)), [f"{100 * level:.0f}" for level in LEVELS])
ax.set(xlabel="weights removed (%)", ylabel="test accuracy", title="digits, masks trained again")
ax.legend(frameon=False)
plt.show()
