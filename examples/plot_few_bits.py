"""
Weights of a few bits
=====================

This page shows how small a network for a microcontroller becomes if its weights have 8, 4, 3 or 2
bits, and what this costs in accuracy. `quantize` rounds the remaining weights to whole numbers, and
makes up for the rounding of each weight with the others. The C code computes in integers and reads
pixels as bytes; `integer_predict` computes in Python exactly what the device computes.
"""

from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.export import export_c, integer_predict

# %%
# The pixels of digits are whole numbers from 0 to 16. With this scaler the network gets values from
# 0 to 1, and the device still reads the whole numbers.
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, random_state=0)
scaler = MaxAbsScaler().fit(np.full((1, 64), 16.0))
Z = scaler.transform(X)

# %%
# A dense network is pruned to 80%, 90% and 95%. Each of these networks is written as C in float32,
# and quantized to each number of bits. `n_bytes` counts the bytes of the constants in the C code.
net = OBSPrunedMLPClassifier(
    (30,), target_sparsity=0, alpha=1e-3, max_iter=1000, random_state=0
).fit(Z, y)
results = {}
print("removed  weights of  accuracy  bytes")
for sparsity in (0.8, 0.9, 0.95):
    net.prune(Z, y, target_sparsity=sparsity)
    results[sparsity] = []
    for name, bits in (
        ("float32", None),
        ("8 bits", 8),
        ("4 bits", 4),
        ("3 bits", 3),
        ("2 bits", 2),
    ):
        model = make_pipeline(scaler, deepcopy(net))
        options = {"dtype": "float32"}
        predicted = model.predict(X_test)
        if bits:
            model[-1].quantize(Z, y, bits=bits)
            options = {"dtype": "integer", "input_dtype": "uint8"}
            predicted = integer_predict(model, X_test, input_dtype="uint8")
        with TemporaryDirectory() as folder:
            n_bytes = export_c(model, Path(folder, "model.c"), **options).n_bytes
        accuracy = np.mean(predicted == y_test)
        results[sparsity].append((n_bytes, accuracy))
        print(f"{sparsity:7.0%}  {name:10}  {accuracy:8.3f}  {n_bytes:5,}")

# %%
# Each curve goes from float32 on the right to 2 bits on the left. With 4 bits the constants take
# less than half of the bytes of float32, and the accuracy is the same within its standard error,
# which is about 0.01. With 2 bits the smaller networks lose some accuracy. The network with 80%
# removed and 2 bits is smaller and better than the one with 95% removed in float32.
_, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for (sparsity, points), style in zip(results.items(), ("o-", "s--", "^-."), strict=True):
    ax.plot(*zip(*points, strict=True), style, label=f"{sparsity:.0%} removed")
for point, label in zip(results[0.95], ("float32", "8", "4", "3", "2"), strict=True):
    ax.annotate(label, point, xytext=(5, -13), textcoords="offset points")
ax.set(xscale="log", ylim=(0.88, 0.98))
ax.set_xticks([250, 500, 1000, 2000], ["250", "500", "1,000", "2,000"])
ax.minorticks_off()
ax.set(xlabel="bytes of constants in C", ylabel="accuracy on test samples")
ax.set_title("digits; float32, then 8, 4, 3 and 2 bits")
ax.grid(alpha=0.3)
ax.legend(loc="lower right")
plt.show()
