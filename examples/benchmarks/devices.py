"""What a pruned network takes on a device: C by gcc -Os, ONNX, and accuracy in eight bits.

    pip install emlearn          # optional: a general converter, for comparison
    python examples/benchmarks/devices.py [--seeds 5]

64-32-10 on digits: X / 16, a quarter of the rows for testing, alpha=1e-3, max_iter=1000, the rest
default. "text" is what `size` says of the object file: code, constants and tables for unwinding.
Each figure is the mean over seeds, and the largest (the least accuracy) in brackets. "ONNX" is the
file of `export_onnx`, with sparse initializers; "before" is the dense network through skl2onnx.
"""

import argparse
import contextlib
import shutil
import subprocess
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.export import export_c, export_onnx

LEVELS = (0.8, 0.9, 0.95)
OTHER = """\
#include "other.h"
int predict(const float *x, int n) { return other_predict(x, n); }
int proba(const float *x, int n, float *p) { return eml_net_predict_proba(&other, x, n, p, 10); }
"""
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Os"]


def text_bytes(source, flags=FLAGS):
    """The text segment of the compiled file."""
    object_file = source.with_suffix(".o")
    subprocess.run(["gcc", *flags, "-c", source, "-o", object_file], check=True)
    said = subprocess.run(["size", object_file], check=True, capture_output=True, text=True).stdout
    return int(said.splitlines()[1].split()[0])


def emlearn_bytes(model, folder):
    """The same of emlearn's C for a plain network, or nan without emlearn."""
    if find_spec("emlearn") is None:
        return np.nan
    with np.errstate():  # which it changes
        import emlearn

    with contextlib.chdir(folder):  # where it leaves files
        converted = emlearn.convert(model, method="inline")
    path = folder / "other.h"
    converted.save(file=str(path), name="other")
    source = folder / "other.c"
    source.write_text(OTHER)
    return text_bytes(source, ["-std=c99", "-Os", "-I", emlearn.includedir])


def one_seed(seed, folder):
    """Rows of (what, bytes or accuracy)."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=seed)
    dense = MLPClassifier((32,), alpha=1e-3, max_iter=1000, random_state=seed).fit(X, y)
    found = {}
    whole = OBSPrunedMLPClassifier.from_sklearn(dense)
    for level in (0, *LEVELS):
        clf = whole
        if level:
            clf = OBSPrunedMLPClassifier.from_sklearn(dense, target_sparsity=level).prune(X, y)
        found["float32: text bytes", level] = c_text(clf, folder, "float32")[0]
        found["float64: text bytes", level] = c_text(clf, folder, "float64")[0]
        n_bytes, written = c_text(clf, folder, "int8", (X_test, y_test))
        found["int8: text bytes", level] = n_bytes
        found["accuracy", level] = written.score
        found["accuracy in int8", level] = written.exported_score
        found["emlearn: text bytes", level] = emlearn_bytes(clf.to_sklearn(), folder)
        path = folder / "model.onnx"
        found["ONNX bytes", level] = export_onnx(clf, path, sparse=True, overwrite=True).n_bytes
        found["ONNX bytes, as dense", level] = export_onnx(clf, path, overwrite=True).n_bytes
    return found


def c_text(clf, folder, dtype, test_data=None):
    written = export_c(clf, folder / "model.c", dtype=dtype, test_data=test_data, overwrite=True)
    return text_bytes(written.source), written


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    folder = Path(tempfile.mkdtemp())
    seeds = [one_seed(seed, folder) for seed in range(options.seeds)]
    shutil.rmtree(folder)
    print(f"mean (worst) of {len(seeds)} networks\n")
    print("| what | dense | 80 % | 90 % | 95 % |\n|---|---|---|---|---|")
    for what in dict.fromkeys(name for name, _ in seeds[0]):
        values = np.array([[found[what, level] for level in (0, *LEVELS)] for found in seeds])
        if "accuracy" in what:
            cells = [
                f"{a:.4f} ({b:.4f})" for a, b in zip(values.mean(0), values.min(0), strict=True)
            ]
        else:
            cells = [
                f"{a:,.0f} ({b:,.0f})" for a, b in zip(values.mean(0), values.max(0), strict=True)
            ]
        print(f"| {what} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
