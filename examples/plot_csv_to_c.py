"""
From a CSV file to C
====================

How many bytes, and what they cost in accuracy. This is the way of
``python -m sklearn_obs data.csv --target y --export model.c``, step by step, on breast_cancer: 30
columns of very unequal scales, 30 hidden units. At each sparsity the network is written as C in
float32 and in eight bits; its constants are counted, and the numbers that a device would compute
are scored on rows set aside. In eight bits a scaled column needs its scale, so that with a handful
of weights float32 is the smaller of the two::

    python examples/plot_csv_to_c.py [--out FOLDER]
"""

import argparse
import csv
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.export import export_c

parser = argparse.ArgumentParser(description="From a CSV file to C.")
parser.add_argument("--out", type=Path, default=Path(), help="folder for the files")
out = parser.parse_args().out

# %%
# A file such as one gets.

data = load_breast_cancer()
with open(out / "data.csv", "w", newline="", encoding="utf-8") as file:
    rows = zip(data.data.tolist(), data.target_names[data.target], strict=True)
    csv.writer(file).writerows([[*data.feature_names, "y"], *([*x, y] for x, y in rows)])

with open(out / "data.csv", newline="", encoding="utf-8") as file:
    header, *lines = csv.reader(file)
X = np.array([line[:-1] for line in lines], float)
y = np.array([line[-1] for line in lines])
X, X_test, y, y_test = train_test_split(X, y, random_state=0)

# %%
# The scaler and the dense network once, then more and more of it removed.

net = OBSPrunedMLPClassifier(
    (30,), target_sparsity=0, alpha=1e-3, max_iter=1000, n_iter_no_change=20, random_state=0
)
model = make_pipeline(StandardScaler(), net)
with warnings.catch_warnings():  # it need not converge
    warnings.simplefilter("ignore", ConvergenceWarning)
    model.fit(X, y)
found = {"float32": [], "int8": []}
print("sparsity  columns  float32: bytes  accuracy  int8: bytes  accuracy")
sparsities = (0, 0.5, 0.8, 0.9, 0.95, 0.98)
for sparsity in sparsities:
    net.prune(model[0].transform(X), y, target_sparsity=sparsity)
    for dtype, points in found.items():
        written = export_c(
            model,
            out / "model.c",
            dtype=dtype,
            test_data=(X_test, y_test),
            feature_names=header[:-1],
            overwrite=True,
        )
        points.append((written.n_bytes, written.exported_score))
    (n_real, real), (n_int, int8) = (points[-1] for points in found.values())
    n_read = len(net.inputs_)
    print(f"{sparsity:8.0%} {n_read:8} {n_real:15,} {real:9.3f} {n_int:12,} {int8:9.3f}")

# %%
# Bytes on a logarithmic scale: most of the file goes before the accuracy does.

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for (dtype, points), style in zip(found.items(), ("o-", "s--"), strict=True):
    ax.plot(*zip(*points, strict=True), style, label=dtype)
for sparsity, point in zip(sparsities, found["float32"], strict=True):
    above = point[1] > 0.96  # away from the line on either side
    ax.annotate(
        f"{sparsity:.0%}", point, xytext=(6, 5 if above else -14), textcoords="offset points"
    )
ax.set_xscale("log")
ax.set_xticks([125, 250, 500, 1000, 2000, 4000], [125, 250, 500, "1,000", "2,000", "4,000"])
ax.minorticks_off()
ax.margins(0.12)
ax.set_xlabel("bytes of constants in C")
ax.set_ylabel("accuracy on test rows")
ax.set_title("breast_cancer, 30-30-1: share of weights removed")
ax.grid(alpha=0.3)
ax.legend(loc="lower right")
figure.savefig(out / "csv_to_c.png", dpi=150)

# %%
# The header tells the reader of the C file what goes in and what comes out.

print((out / "model.h").read_text(encoding="utf-8"))
