"""
A network to read: as a formula, and as rules
=============================================

A network of ten weights is a formula. Here one on breast cancer is pruned as far as one standard
error of cross-validation allows, and printed: in the units of the table, because the scaler is
folded in; then as LaTeX, drawn; then as a Python function that needs nothing but NumPy, which says
what the Pipeline says.

Inputs of few values have rules in place of a formula. Below, a robot is dangerous unless its jacket
is green or its body is an octagon (the rule of the third MONK's problem, of which a network is told
the answers alone); the network is asked about every combination, and what it does is written as
shortly as it can be::

    python examples/plot_formula.py [--out FOLDER]

References
----------
Thrun, S. B. et al. (1991). The MONK's problems: a performance comparison of different learning
algorithms. Technical Report CMU-CS-91-197, Carnegie Mellon University.
"""

import argparse
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
from sklearn_obs.export import export_rules, export_text

parser = argparse.ArgumentParser(description="A pruned network as a formula, and as rules.")
parser.add_argument("--out", type=Path, default=Path(), help="folder for the figure")
options = parser.parse_args()

# %%
# One standard error chooses the size; two thirds of the rows train, the others test.

data = load_breast_cancer()
names = {"feature_names": data.feature_names, "class_names": ["malignant", "benign"]}
X, X_test, y, y_test = train_test_split(
    data.data, data.target, test_size=1 / 3, stratify=data.target, random_state=0
)
network = OBSPrunedMLPClassifier((8,), alpha=1e-2, max_iter=1000, random_state=0)
search = OBSPrunedMLPCV(make_pipeline(StandardScaler(), network)).fit(X, y)
model = search.estimator_
print(export_text(model, **names))
print(
    f"\n{model[-1].n_weights_} of {sum(W.size for W in model[-1].coefs_)} weights, "
    f"accuracy {model.score(X_test, y_test):.3f} on {len(y_test)} rows held out\n"
)

# %%
# The same, drawn: every line is within matplotlib's mathtext, and within LaTeX.

lines = export_text(model, **names, style="latex").splitlines()
figure = plt.figure(figsize=(12, 0.45 * len(lines)))
for k, line in enumerate(lines):
    figure.text(0.01, 1 - (k + 0.7) / len(lines), f"${line}$", fontsize=11)
figure.savefig(options.out / "formula.png", dpi=100)

# %%
# And as a function. It is evaluated here to show that it is the Pipeline.

source = export_text(model, **names, style="python")
print(source)
defined = {}
exec(source, defined)
difference = np.abs(defined["predict_proba"](X_test) - model.predict_proba(X_test)).max()
print(f"\nlargest difference from the Pipeline: {difference:.0e}\n")

# %%
# Rules. Four attributes, one-hot; `input_groups` says which columns belong together.

VALUES = {
    "head": ["round", "square", "octagon"],
    "body": ["round", "square", "octagon"],
    "holds": ["sword", "balloon", "flag"],
    "jacket": ["red", "yellow", "green", "blue"],
}
every = np.array(list(product(*VALUES.values())))
dangerous = np.where((every[:, 3] != "green") & (every[:, 1] != "octagon"), "yes", "no")
columns = [(name, value) for name, values in VALUES.items() for value in sorted(values)]
robots = np.column_stack(
    [every[:, list(VALUES).index(name)] == value for name, value in columns]
).astype(float)
clf = OBSPrunedMLPClassifier(
    (3,), "tanh", solver="lbfgs", alpha=0.01, target_sparsity=0.9, random_state=0
).fit(robots, dangerous)
print(f"{clf.n_weights_} weights, dangerous:")
print(
    export_rules(
        clf,
        robots,
        feature_names=[f"{name}_{value}" for name, value in columns],
        input_groups=[name for name, _ in columns],
    )
)
