"""
From a CSV file to C
====================

This page shows how to turn a table into C code for a small device, how many bytes it takes, and
what they cost in accuracy. The command ``python -m sklearn_obs data.csv --target y --export
model.c`` does the same in one line; here it is done step by step.

The table is breast_cancer, with 30 columns on very different scales, and the network has 30 hidden
units. At each sparsity it is written as C twice, in float32 and in eight bits. The bytes of its
constants are counted, and the outputs that a device would compute are scored on test samples.
"""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.export import export_c

# %%
# First we make a file such as you may have. It is in a temporary folder, as the C code will be; use
# a folder of your own to keep the files.
temporary = TemporaryDirectory()
folder = Path(temporary.name)
data = load_breast_cancer()
with open(folder / "data.csv", "w", newline="", encoding="utf-8") as file:
    rows = zip(data.data.tolist(), data.target_names[data.target], strict=True)
    csv.writer(file).writerows([[*data.feature_names, "y"], *([*x, y] for x, y in rows)])

with open(folder / "data.csv", newline="", encoding="utf-8") as file:
    header, *lines = csv.reader(file)
X = np.array([line[:-1] for line in lines], float)
y = np.array([line[-1] for line in lines])
X, X_test, y, y_test = train_test_split(X, y, random_state=0)

# %%
# The scaler and the dense network are fitted once. Then more and more weights are removed. With
# eight bits every column needs its own scale, so that with few weights float32 takes fewer bytes.
net = OBSPrunedMLPClassifier(
    (30,), target_sparsity=0, alpha=1e-3, max_iter=1000, n_iter_no_change=20, random_state=0
)
model = make_pipeline(StandardScaler(), net).fit(X, y)
found = {"float32": [], "int8": []}
print("sparsity  columns  float32: bytes  accuracy  int8: bytes  accuracy")
sparsities = (0, 0.5, 0.8, 0.9, 0.95, 0.98)
for sparsity in sparsities:
    net.prune(model[0].transform(X), y, target_sparsity=sparsity)
    for dtype, points in found.items():
        written = export_c(
            model,
            folder / "model.c",
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
# The labels say how many of the weights were removed; the scale of bytes is logarithmic. With 98%
# removed, the accuracy on the 143 test samples is the same as that of the dense network.
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for (dtype, points), style in zip(found.items(), ("o-", "s--"), strict=True):
    ax.plot(*zip(*points, strict=True), style, label=dtype)
for sparsity, point in zip(sparsities, found["float32"], strict=True):
    ax.annotate(f"{sparsity:.0%}", point, xytext=(0, 8), textcoords="offset points", ha="center")
ax.set_xscale("log")
ax.set_xticks([125, 250, 500, 1000, 2000, 4000], [125, 250, 500, "1,000", "2,000", "4,000"])
ax.minorticks_off()
ax.margins(0.12)
ax.set_ylim(0.9, 1)
ax.set_xlabel("bytes of constants in C")
ax.set_ylabel("accuracy on test samples")
ax.set_title("breast_cancer, 30 columns, 30 hidden units")
ax.grid(alpha=0.3)
ax.legend(loc="lower right")
plt.show()

# %%
# The header file tells the users of the C code what to pass and what they get back.
print((folder / "model.h").read_text(encoding="utf-8"))
temporary.cleanup()
