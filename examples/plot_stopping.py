"""
When to stop: four rules on a noisy problem
===========================================

This page shows how the test error changes as weights are removed one at a time, and where four
rules stop. None of the rules knows the test error.

The problem is that of Hassibi, Stork, Wolff and Watanabe (1993). There are two classes in five
dimensions, each an equal mixture of two Gaussians, and 1,000 training samples for a network of
5-9-1 units. The network is trained to the minimum of the loss and then pruned without retraining.
The training loss rises nearly all the time, but the test error does not: it stays the same for
about 20 of the 54 removals. Then it rises, because the remaining network cannot tell the classes
apart. (The published curve has its minimum there.)

These are the rules:

- *saliency*: the saliency of the next weight is no longer much smaller than the loss (Hassibi and
  Stork 1992);
- *loss increase*: the training loss has risen by 5%; this is `max_loss_increase`, and FCNN4R has
  the same rule;
- *one standard error*: the sparsest network within one standard error of the best on 1,000 held-out
  samples;
- *prediction error*: the least prediction error by the effective number of parameters (Pedersen,
  Hansen and Larsen 1995), which needs no held-out samples.

References
----------
Hassibi, B., Stork, D. G., Wolff, G. and Watanabe, T. (1993). Optimal Brain Surgeon: extensions and
performance comparisons. Advances in Neural Information Processing Systems 6.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.stopping import (
    effective_parameters,
    one_standard_error,
    prediction_error,
    saliency_rule,
)

# %%
# This is the published mixture of Gaussians.
MEANS = [[(1, 1, 0, 1, 0.5), (0, 0, 1, 0, 0.5)], [(0, 1, 0, 0, 0.5), (1, 0, 1, 1, 0.5)]]
VARIANCES = [
    [(0.99, 1.0, 0.88, 0.70, 0.95), (1.28, 0.60, 0.52, 0.93, 0.93)],
    [(0.84, 0.68, 1.28, 1.02, 0.89), (0.52, 1.25, 1.09, 0.64, 1.13)],
]
N_ROWS, N_TEST = 1_000, 20_000
N_WEIGHTS, N_REMOVED = 54, 46
N_SEEDS = 10
RULES = ("saliency", "loss increase", "one standard error", "prediction error")


def draw(n_samples, rng):
    """X and y; each sample is drawn from one of the four Gaussians."""
    label, component = rng.integers(2, size=(2, n_samples))
    spread = np.sqrt(np.array(VARIANCES)[label, component])
    return np.array(MEANS)[label, component] + spread * rng.standard_normal((n_samples, 5)), label


# %%
# One network is pruned weight by weight, and what the rules need is collected.


def one_network(seed):
    """Test error after 0, 1, 2, ... removals; where each rule stops; effective parameters."""
    rng = np.random.default_rng(seed)
    (X, y), (X_held, y_held), (X_test, y_test) = (draw(n, rng) for n in (N_ROWS, N_ROWS, N_TEST))
    dense = MLPClassifier(
        (9,), activation="tanh", solver="lbfgs", alpha=5, max_iter=3000, random_state=seed
    )
    model = OBSPrunedMLPClassifier.from_sklearn(
        dense.fit(X, y), structure="full", step=1, retrain_epochs=0
    )
    test_error, misfit, held, n_effective = [], [], [], []
    for n_removed in range(N_REMOVED + 1):
        if n_removed:
            model.prune(X, y, target_sparsity=n_removed / N_WEIGHTS)
        test_error.append(1 - model.score(X_test, y_test))
        misfit.append(log_loss(y, model.predict_proba(X)))
        held.append(model.predict(X_held) == y_held)
        n_effective.append(effective_parameters(model, X, y))
    path = model.pruning_path_
    start = path["predicted_loss"][0] - path["saliency"][0]
    raised = np.flatnonzero(path["loss"] > 1.05 * start)
    stops = (
        saliency_rule(path),
        raised[0] if raised.size else N_REMOVED,
        one_standard_error(held),
        int(prediction_error(misfit, N_ROWS, n_effective, squared=False).argmin()),
    )
    return np.array(test_error), stops, np.array(n_effective)


# %%
# Over ten networks, the test error hardly changes for 20 removals. Where do the rules stop?
curves, stops, n_effective = map(
    np.array, zip(*(one_network(seed) for seed in range(N_SEEDS)), strict=True)
)
mean = curves.mean(axis=0)
print(f"mean of {N_SEEDS} networks, {N_WEIGHTS} weights")
print(f"test error: dense {mean[0]:.4f}, least {mean.min():.4f} at {mean.argmin()} removed")
print("removed   " + " ".join(f"{k:6d}" for k in range(0, N_REMOVED + 1, 5)))
print("test error" + " ".join(f"{error:6.4f}" for error in mean[::5]))
print("parameters" + " ".join(f"{p:6.1f}" for p in n_effective.mean(axis=0)[::5]))
print("rule                 removed (least, most)   test error there")
for rule, where in zip(RULES, stops.T, strict=True):
    there = np.take_along_axis(curves, where[:, None], axis=1).mean()
    print(f"{rule:20} {where.mean():8.1f} ({where.min():2d}, {where.max():2d}) {there:18.4f}")

# %%
# The grey lines are single networks. A bar is the standard deviation of where a rule stops.
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.plot(curves.T, color="0.85", lw=0.8, zorder=0)
ax.plot(mean, "k", label="test error, mean")
for rule, where, marker in zip(RULES, stops.T, "os^D", strict=True):
    errors = np.take_along_axis(curves, where[:, None], axis=1).ravel()
    ax.errorbar(
        where.mean(), errors.mean(), xerr=where.std(), fmt=marker, ms=7, capsize=3, label=rule
    )
ax.set(xlabel="weights removed, of 54", ylabel="test error")
ax.set_title("5-9-1, one weight at a time, no retraining")
ax.legend(frameon=False)
plt.show()
