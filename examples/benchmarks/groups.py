"""Whole hidden units on digits: is the saliency right, and how many may go?

    python examples/benchmarks/groups.py [--seeds 10] [--n-jobs 2]

First, on dense networks with 30 hidden units (alpha=1e-3, max_iter=1000, a quarter of the rows for
testing): Spearman's rank correlation between the saliencies of all units and the increase of the
training loss that is measured when that unit alone is removed and the others repair, for each
structure. Beside it, the correlation of the score that has the incoming weights pay as well, and of
that which leaves them out of H. Second, half the units of 64-100-10, rounds and retraining at their
defaults: test accuracy before and after, in the mean over seeds and its standard error.
"""

import argparse
import warnings
from dataclasses import replace

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.curvature import STRUCTURES, Measurement, factor_diagonal
from sklearn_obs.elimination import group_saliencies
from sklearn_obs.elimination.groups import groups_of
from sklearn_obs.network import Network, loss, mean_objective

STRUCTURES_TRIED = ("unit", "layer", "full")
DAMPING = 0.02
HALF = 0.52  # three pixels are never read, and their weights go first


def dense_network(seed, n_hidden):
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        dense = MLPClassifier((n_hidden,), alpha=1e-3, max_iter=1000, random_state=seed).fit(X, y)
    return dense, X, X_test, y, y_test


def correlations(seed):
    """Per structure the rank correlations of three scores with the measured loss."""
    with threadpool_limits(1):
        dense, X, _, y, _ = dense_network(seed, 30)
        network = Network(tuple(dense.coefs_), tuple(dense.intercepts_), "relu", "softmax")
        Y = np.eye(10)[y]
        objective = mean_objective(X, Y, np.ones(len(X)), alpha=1e-3, step_samples=200)
        measured = Measurement(network, X, Y, objective.shares, "ggn")
        read = np.ones(network.layout.n_parameters, bool)
        read[network.layout.index[0][:-1][~X.any(axis=0)]] = False
        keep = np.flatnonzero(read)
        position = network.layout.positions(keep)
        groups = groups_of("unit", network.layout, position)
        return {
            name: _of_structure(name, network, objective, measured, keep, groups)
            for name in STRUCTURES_TRIED
        }


def _of_structure(name, network, objective, measured, keep, groups):
    penalties = np.where(keep < network.layout.n_coefs, objective.penalty, 0)
    ridge = penalties + DAMPING * (factor_diagonal(measured)[keep] + penalties).mean()
    C = STRUCTURES[name].invert(measured, keep, ridge)
    w, before = network.theta[keep], loss(network, objective)
    increases = []
    for group in groups:
        v = w[group.members] * group.costs
        theta = network.theta.copy()
        theta[keep] -= C.columns(group.members) @ np.linalg.solve(
            C.columns(group.members, rows=group.members), v
        )
        theta[keep[group.members]] = 0
        increases.append(loss(network.with_theta(theta), objective) - before)
    scores = {
        "(w_out, 0)": groups,
        "(w_out, w_in)": [replace(g, costs=np.ones(g.costs.size, bool)) for g in groups],
        "w_out": [replace(g, members=g.members[g.costs], costs=g.costs[g.costs]) for g in groups],
    }
    return {
        score: spearmanr(group_saliencies(w, C, variant), increases).statistic
        for score, variant in scores.items()
    }


def half_the_units(seed):
    """Test accuracy of the dense network and of the one with half the units."""
    with threadpool_limits(1):
        dense, X, X_test, y, y_test = dense_network(seed, 100)
        model = OBSPrunedMLPClassifier.from_sklearn(
            dense, granularity="unit", target_sparsity=HALF
        ).prune(X, y)
    return dense.score(X_test, y_test), model.score(X_test, y_test), len(model.units_[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    run = Parallel(options.n_jobs)
    seeds = run(delayed(correlations)(seed) for seed in range(options.seeds))
    scores = list(seeds[0]["unit"])
    print(f"rank correlation with the measured loss, mean (least) of {len(seeds)} seeds\n")
    print(f"| structure | v = {' | '.join(scores)} |")
    print("|---|" + "---|" * len(scores))
    for name in STRUCTURES_TRIED:
        columns = [[seed[name][score] for seed in seeds] for score in scores]
        cells = [f"{np.mean(column):.2f} ({min(column):.2f})" for column in columns]
        print(f"| {name} | {' | '.join(cells)} |")
    dense, pruned, n_units = np.array(
        run(delayed(half_the_units)(seed) for seed in range(options.seeds))
    ).T
    error = pruned.std(ddof=1) / len(pruned) ** 0.5
    print(
        f"\n64-100-10: accuracy {dense.mean():.4f} dense, {pruned.mean():.4f} +- {error:.4f} with "
        f"{n_units.min():.0f} to {n_units.max():.0f} units"
    )


if __name__ == "__main__":
    main()
