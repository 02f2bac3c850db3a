"""Prove that a refactoring changes no bit of what the library computes.

Fits a thousand small networks through the public API and keeps every fitted attribute, every
prediction and every field of a pruning path; a second run compares all of it byte for byte::

    python tests/same_bits.py record before.pkl     # with the code as it was
    python tests/same_bits.py compare before.pkl    # with the code as it is

`compare` prints a table and each difference by name; its exit code is 1 if there is one. ``--only
TEXT`` takes the configurations whose names hold the text, ``--list`` prints the names. Both runs
need the same machine, numpy, scipy and scikit-learn, and take the code that ``import sklearn_obs``
finds: ``PYTHONPATH=FOLDER`` chooses it. What is refused is kept as the name of the exception.
"""

import os

if __name__ == "__main__":  # before numpy is loaded; workers inherit it
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    os.environ |= {"LOKY_MAX_CPU_COUNT": "1", "PYTHONWARNINGS": "ignore"}

import argparse
import pickle
import sys
import warnings
from ast import literal_eval
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
from scipy.sparse import csr_array, issparse
from sklearn import datasets
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import scale

import sklearn_obs as library

NEW_NAMES = {"n_ghosts_": "n_dead_weights_"}  # attributes that have been renamed on the way
SMALL = {"hidden_layer_sizes": (6, 5), "solver": "lbfgs", "max_iter": 40, "random_state": 0}
SMALL |= {"retrain_epochs": 4, "step": 0.3, "target_sparsity": 0.6}
LARGER = {"hidden_layer_sizes": (10,), "step": 0.5, "target_sparsity": 0.85}  # digits, wide
TABLES = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "digits": lambda: [a[:300] for a in datasets.load_digits(return_X_y=True)],
    "pairs": lambda: datasets.make_classification(200, 8, random_state=0),
    "labels": lambda: datasets.make_multilabel_classification(150, 8, n_classes=4, random_state=0),
    "many": lambda: datasets.make_classification(2400, 6, random_state=0),
    "wide": lambda: datasets.make_classification(300, 160, random_state=0),
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "outputs": lambda: datasets.make_regression(150, 7, n_targets=3, noise=20, random_state=0),
    "rows": lambda: datasets.make_regression(5000, 5, noise=20, random_state=0),
}
REGRESSIONS = ("diabetes", "outputs", "rows")
FORMS = {  # "wine+zeros+csr" is wine with columns of zeros, as a sparse matrix
    "zeros": lambda X, y: (X * (np.arange(X.shape[1]) % 4 != 1), y),
    "csr": lambda X, y: (csr_array(np.where(np.abs(X) > 0.4, X, 0)), y),
    "float32": lambda X, y: (X.astype(np.float32), y),
    "half": lambda X, y: (X[::2], y[::2]),
    "named": lambda X, y: (pd.DataFrame(X, columns=list("abcd")), np.array(["x", "y", "z"])[y]),
}
WEIGHTS = {
    "none": lambda n: None,
    "positive": lambda n: np.linspace(1, 2, n),
    "some_zero": lambda n: np.arange(n) % 3,
}
STEPS = {  # of prune: sparsity, and of X, weights and parameters what changes; some are refused
    "two": [(0.4, {}), (0.7, {})],
    "rows": [(0.4, {"form": "+zeros"}), (0.7, {"form": "+half", "weight": "some_zero"})],
    "units": [(0.3, {"granularity": "unit"}), (0.6, {"granularity": "weight", "step": 5})],
    "intercepts": [(0.4, {"prune_intercepts": True}), (0.7, {"prune_intercepts": False})],
    "back": [(0.4, {}), (0.4, {}), (0.3, {})],
    "singular": [(0.9, {"alpha": 0, "damping": 0, "n_curvature_samples": 2})],
}
ALL = {  # what * stands for in CASES, which try each of the values between slashes
    "criterion": "obs/obd/magnitude/layer_magnitude/movement/random",
    "structure": "auto/layer/full/unit/low_rank/kronecker",
    "curvature": "ggn/fisher/empirical_fisher",
    "activation": "identity/logistic/tanh/relu",
    "retrain_solver": "auto/newton/lbfgs/adam",
    "granularity": "unit/input",
    "weight": "/".join(WEIGHTS),
    "steps": "/".join(STEPS),
}
CASES = """
criteria: fit wine/diabetes/iris+named/digits criterion=* prune_intercepts=False/True step=0.3/7
structures x kinds: fit wine/digits/digits+float32/outputs structure=* curvature=*
structures x kinds: fit wine/digits+csr/outputs+float32 structure=auto/layer/full curvature=hessian
structures x kinds: fit wide structure=auto hidden_layer_sizes=(17,) curvature=*
structures x kinds: fit wide structure=unit/kronecker hidden_layer_sizes=(20,) step=0.05 alpha=10
structures x kinds: fit wide structure=* step=1 target_sparsity=0.003 n_curvature_samples=20
activations: fit wine/diabetes activation=* structure=* alpha=0 damping=0.1
activations: fit wine/pairs/diabetes activation=* structure=layer/full curvature=hessian
solvers: fit wine/digits retrain_solver=* retrain_epochs=0/8/90/None tol=1e-2/1e-7
solvers: fit pairs+csr/labels/outputs retrain_solver=* retrain_epochs=9/None criterion=obs/movement
solvers: fit wine/labels/diabetes solver=adam/sgd early_stopping=False/True batch_size=32/500
granularity: fit wine/outputs+zeros/pairs+csr granularity=* structure=* target_sparsity=0.4
granularity: fit digits granularity=* structure=* target_sparsity=0.4 n_curvature_samples=20
granularity: fit wine/labels granularity=* criterion=obd/magnitude/random target_sparsity=0.4
granularity: fit wine granularity=* prune_intercepts=True max_loss_increase=0.1 target_sparsity=0.4
granularity: fit wine granularity=* curvature=fisher/hessian target_sparsity=0.4/0.95
swaps: fit wine/diabetes n_swaps=3 structure=*
swaps: fit wine/outputs n_swaps=3 curvature=fisher/hessian prune_intercepts=False/True
swaps: fit iris+float32/outputs+csr n_swaps=3 criterion=obd/magnitude/layer_magnitude/random
swaps: fit wine+zeros/digits n_swaps=2 target_sparsity=0.9 retrain_solver=* weight=none/some_zero
swaps: fit pairs n_swaps=2 max_loss_increase=None/0.05 retrain_epochs=0/None n_curvature_samples=60
swaps: fit wide n_swaps=1 hidden_layer_sizes=(30,) criterion=magnitude target_sparsity=0.97
stopping: fit wine+zeros/diabetes+csr+float32 max_loss_increase=0.0/0.05/0.5 step=0.1/9 criterion=*
data: fit wine+csr/wine+float32/wine+zeros/wine+zeros+csr+float32 structure=* weight=*
data: fit wine/pairs/labels/outputs n_curvature_samples=20 curvature=* structure=auto/low_rank
data: fit many/many+csr/many+float32 criterion=obs/obd/movement retrain_epochs=4/None
data: fit rows retrain_solver=* structure=auto/unit/kronecker
data: fit wine/digits+csr working_memory=0.02 structure=* retrain_solver=newton retrain_epochs=20
workers: fit wide n_jobs=2 structure=unit/kronecker hidden_layer_sizes=(30,)
workers: fit digits/rows n_jobs=2 structure=layer/unit/kronecker working_memory=0.02
random state: fit wine/diabetes random_state=instance/7 solver=adam steps=two target_sparsity=0
targets: fit pairs/labels/diabetes/outputs hidden_layer_sizes=()/(6,)/(6,5,4) structure=*
targets: fit pairs+csr/labels+float32 hidden_layer_sizes=()/(6,) curvature=hessian/fisher weight=*
several prune calls: fit wine/outputs structure=* steps=* target_sparsity=0.2
several prune calls: fit wine/labels criterion=* steps=* target_sparsity=0.2
prediction: fit wide times=7 hidden_layer_sizes=(160,) criterion=magnitude target_sparsity=0.97
prediction: fit wide/wide+csr times=50 hidden_layer_sizes=(40,10) granularity=* criterion=obd
paths: path wine/diabetes/digits structure=* step=0.3/20 n_curvature_samples=30
paths: path wine criterion=* weight=* prune_intercepts=True random_state=7/instance
paths: path wine+zeros/outputs+float32/labels+csr n_swaps=0/2 max_loss_increase=None/0.05
paths: path wine granularity=* criterion=obs/obd/magnitude sparsities=(0,0.1,0.2,0.3)
paths: path wine+csr retrain_solver=* retrain_epochs=0/6
conversion: convert wine/iris+named/pairs/labels/outputs solver=lbfgs/adam target_sparsity=0.8
conversion: convert wine+csr/diabetes+float32 drop_inputs=False/True structure=* target_sparsity=0.8
conversion: convert wine drop_inputs=True criterion=* prune_intercepts=True target_sparsity=0.8
conversion: convert wine drop_inputs=False/True granularity=* target_sparsity=0.4
search: search wine/outputs sparsities=(0.3,0.6,0.8) cv=3 selection=best/one_standard_error
search: search wine+csr/iris+named sparsities=4 n_jobs=None/2 weight=*
"""


@cache
def table(words, weight="none"):
    """X, scaled, y and the weights of the rows."""
    name, *forms = words.split("+")
    X, y = TABLES[name]()
    X, y = scale(X), scale(y) if name in REGRESSIONS else y
    for form in forms:
        X, y = FORMS[form](X, y)
    return X, y, WEIGHTS[weight](len(y))


def new(words, **parameters):
    name = words.split("+")[0]
    own = SMALL | (LARGER if name in ("digits", "wide") else {})
    own |= ({"solver": "adam"} if "float32" in words else {}) | parameters  # lbfgs takes float64
    if own["random_state"] == "instance":
        own["random_state"] = np.random.RandomState(3)
    kind = "Regressor" if name in REGRESSIONS else "Classifier"
    return getattr(library, f"OBSPrunedMLP{kind}")(**own)


def seen(estimator, X=None):
    """All attributes of a fitted estimator, and what its methods make of X."""
    found = {NEW_NAMES.get(k, k): v for k, v in vars(estimator).items() if k.endswith("_")}
    found["feature_importances_"] = getattr(estimator, "feature_importances_", None)
    drawn = getattr(getattr(estimator, "random_state", None), "get_state", None)
    found["random_state"] = drawn and drawn()  # of an instance
    methods = () if X is None else ("predict", "predict_proba", "transform")
    found |= {m: getattr(estimator, m)(X) for m in methods if hasattr(estimator, m)}
    return dict(sorted(found.items()))


def attempt(function, *arguments, **parameters):
    try:
        return function(*arguments, **parameters)
    except Exception as error:
        return {"raised": type(error).__name__}


def fit(words, *, steps=None, weight="none", times=1, **parameters):
    X, y, v = table(words, weight)
    estimator = new(words, **parameters).fit(X, y, sample_weight=v)
    states = [seen(estimator, X if times == 1 else X[np.arange(times * len(y)) % len(y)])]
    for target, changed in STEPS.get(steps, []):
        others = {"form": "", "weight": "none", **changed}
        now, y, v = table(words + others.pop("form"), others.pop("weight"))
        prune = estimator.set_params(**others).prune
        done = attempt(prune, now, y, target_sparsity=target, sample_weight=v)
        states.append(seen(estimator, X) | (done if done is not estimator else {}))
    return states


def path(words, *, weight="none", sparsities=(0, 0.1, 0.2, 0.45, 0.5, 0.8), **parameters):
    (X, y, v), estimator = table(words, weight), new(words, **parameters)
    return library.obs_pruning_path(estimator, X, y, sparsities=sparsities, sample_weight=v)


def convert(words, *, drop_inputs=False, **parameters):
    """To scikit-learn, back from it, from a dense network of its own, to a smaller network."""
    (X, y, _), own = table(words), new(words, **parameters)
    plain = own.fit(X, y).to_sklearn()
    states = [seen(plain, X), seen(own.from_sklearn(plain), X)]
    taken = own.from_sklearn(plain.fit(X, y), step=0.3, structure=own.structure)
    states += [seen(taken, X), seen(taken.prune(X, y, target_sparsity=0.4), X)]
    small, X = own.compact(drop_inputs=drop_inputs), X[:, own.inputs_] if drop_inputs else X
    target = (1 + 3 * small.sparsity_) / 4
    return [*states, seen(small, X), seen(small.prune(X, y, target_sparsity=target), X)]


def search(words, *, weight="none", **parameters):
    X, y, v = table(words, weight)
    chosen = library.OBSPrunedMLPCV(new(words), **{"cv": GroupKFold(4), **parameters})
    chosen.fit(X, y, sample_weight=v, groups=np.arange(len(y)) % 4)
    return [seen(chosen, X), chosen.score(X, y)]


def configurations():
    """Name -> (kind, what returns something to compare, working memory in MiB)."""
    found = {}
    for line in CASES.strip().splitlines():
        kind, rest = line.split(": ")
        function, tables, *settings = rest.split()
        pairs = [setting.split("=") for setting in settings]
        grid = [[(k, t) for t in text.replace("*", ALL.get(k, "")).split("/")] for k, text in pairs]
        for words, *chosen in product(tables.split("/"), *grid):
            values = {k: literal_eval(t) if t[0] in "(0123456789NTF" else t for k, t in chosen}
            memory = values.pop("working_memory", 1024)
            name = " ".join([f"{kind}:", function, words, *map("=".join, chosen)])
            found[name] = kind, partial(globals()[function], words, **values), memory
    return found


def leaves(name, value):
    """(name, what it is) of each array, number and container in a nested value."""
    kind = type(value).__name__
    if isinstance(value, BaseEstimator):
        value = seen(value)
    elif hasattr(value, "__dataclass_fields__"):
        value = vars(value)
    elif issparse(value):
        value = {"shape": value.shape, "data": value.data, "at": value.indices, "to": value.indptr}
    if isinstance(value, dict):
        yield name, (kind, tuple(value))
        for key, inner in value.items():
            yield from leaves(f"{name}.{key}", inner)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield name, (kind, value.dtype.str, value.shape, value.tobytes())
    elif isinstance(value, (list, tuple)) and not all(map(np.isscalar, value)):
        yield name, (kind, len(value))
        for i, inner in enumerate(value):
            yield from leaves(f"{name}[{i}]", inner)
    else:  # a number, a text, None, a list of these: what they print as is exact
        yield name, (kind, repr(value))


def difference(before, now):
    """In words, how two leaves differ."""
    if not (before and now) or len(before) < 4 or before[:3] != now[:3]:
        return " now ".join(str(leaf and leaf[:3])[:70] for leaf in (before, now))
    a, b = (np.frombuffer(leaf[3], leaf[1]) for leaf in (before, now))
    most = f", by {np.abs(a - b).max():.1e} at most" if a.dtype.kind == "f" else ""
    a, b = (x.view(f"V{x.itemsize}") for x in (a, b))
    return f"{np.count_nonzero(a != b)} of {a.size} numbers{most}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", nargs="?", choices=("record", "compare"))
    parser.add_argument("file", nargs="?", type=Path, default=Path("before.pkl"))
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    chosen = {name: case for name, case in configurations().items() if asked.only in name}
    if asked.list or asked.action is None:
        return print(*chosen, sep="\n")
    there = pickle.loads(asked.file.read_bytes()) if asked.action == "compare" else {}
    gone = [] if asked.only else [name for name in there if name not in chosen]
    counts, said = {}, [f"{name}: recorded, but not made any more" for name in gone]
    for name, (kind, function, memory) in chosen.items():
        with warnings.catch_warnings(), sklearn.config_context(working_memory=memory):
            warnings.simplefilter("ignore")
            now = dict(leaves("", attempt(function)))
        before = there.get(name, {}) if asked.action == "compare" else there.setdefault(name, now)
        unlike = [n for n in {**before, **now} if before.get(n) != now.get(n)]
        unlike = [".raised"] if ".raised" in unlike else unlike  # says it all
        said += [f"{name} {n}: {difference(before.get(n), now.get(n))}" for n in unlike]
        arrays, refused = sum(len(v) == 4 for v in now.values()), any("raised" in n for n in now)
        row = counts.setdefault(kind, np.zeros(5, int))
        row += (1, refused, arrays, len(now) - arrays, len(unlike))
    head = ("configurations", "refused", "arrays", "other values", "differing")
    for kind, row in [("", head), *counts.items(), ("total", sum(counts.values()))]:
        print("{:22}{:>15}{:>9}{:>9}{:>14}{:>11}".format(kind, *row))
    print(*said, f"{len(said)} differences of {library.__file__}", sep="\n")
    if asked.action == "record":
        asked.file.write_bytes(pickle.dumps(there))
    return bool(said)


if __name__ == "__main__":
    sys.exit(main())
