"""
A network as a formula, and as rules
====================================

This page shows how to read a pruned network as a formula, as a Python function, or as rules. A
network with ten weights is short enough for that. The first one is trained on breast_cancer and
pruned as far as one standard error of cross-validation allows. The second one learns the answers to
a logical rule, and we read from it whether it has found the rule.

References
----------
Thrun, S. B. et al. (1991). The MONK's problems: a performance comparison of different learning
algorithms. Technical Report CMU-CS-91-197, Carnegie Mellon University.
"""

import re
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
from sklearn_obs.export import export_rules, export_text

# %%
# Two thirds of the samples are for training, the others for testing. The formula is in the units of
# the table, because the scaler is multiplied into the weights.
data = load_breast_cancer()
names = {"feature_names": data.feature_names, "class_names": ["malignant", "benign"]}
X, X_test, y, y_test = train_test_split(
    data.data, data.target, test_size=1 / 3, stratify=data.target, random_state=0
)
network = OBSPrunedMLPClassifier((8,), alpha=1e-2, max_iter=1000, random_state=0)
search = OBSPrunedMLPCV(make_pipeline(StandardScaler(), network)).fit(X, y)
model = search.estimator_
formula = export_text(model, **names)
print(formula)
print(
    f"\n{model[-1].n_weights_} of {sum(W.size for W in model[-1].coefs_)} weights, "
    f"accuracy {model.score(X_test, y_test):.3f} on {len(y_test)} held-out samples\n"
)

# %%
# This is the same formula as a picture, with a line for each term.
lines = re.sub(r" ([+-]) (\S+ \* \[)", r"\n            \1 \2", formula)
figure = plt.figure(figsize=(6.4, 3.6))
figure.text(0.03, 0.97, lines, va="top", family="monospace", fontsize=13)
plt.show()

# %%
# ``style="latex"`` gives the formula for a paper.
print(export_text(model, **names, style="latex"))

# %%
# ``style="python"`` gives a function that needs nothing but NumPy. We run it on the test samples,
# to see that it computes the same probabilities as the Pipeline.
source = export_text(model, **names, style="python")
print(source)
defined = {}
exec(source, defined)
difference = np.abs(defined["predict_proba"](X_test) - model.predict_proba(X_test)).max()
print(f"\nlargest difference from the Pipeline: {difference:.0e}\n")

# %%
# Inputs with few different values allow rules instead of a formula. In the third MONK's problem a
# robot is dangerous unless its jacket is green or its body is an octagon. The network gets robots
# and answers, but not the rule. `export_rules` asks it about every combination of the attributes,
# and writes what it does as briefly as possible. `input_groups` says which columns belong together.
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
