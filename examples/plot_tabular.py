"""
A table: which columns matter, and a network that can be read
=============================================================

breast_cancer has 569 rows and 30 columns, most of them correlated. One network loses whole inputs;
another, single weights, until what is left can be drawn with the names of the columns::

    python examples/plot_tabular.py [--out FOLDER]
"""

import argparse
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.display import NetworkDisplay

parser = argparse.ArgumentParser(description="Feature selection and importances on a table.")
parser.add_argument("--out", type=Path, default=Path(), help="folder for the figures")
options = parser.parse_args()
warnings.simplefilter("ignore", ConvergenceWarning)

data = load_breast_cancer()
names = data.feature_names
X, X_test, y, y_test = train_test_split(data.data, data.target, random_state=0)
scaler = StandardScaler().fit(X)
X, X_test = scaler.transform(X), scaler.transform(X_test)

# %%
# With ``granularity="input"`` a column goes as a whole, with all its weights.
# `feature_importances_` is what each column that is left is worth: the increase of the training
# loss, in nats, that is predicted if it went and the rest made up for it.

net = OBSPrunedMLPClassifier(
    (8,), "tanh", granularity="input", target_sparsity=0.5, alpha=1, max_iter=500, random_state=0
).fit(X, y)
importances = net.feature_importances_
order = np.argsort(importances)[::-1][: net.inputs_.size]
print(f"{net.inputs_.size} of {X.shape[1]} columns, accuracy {net.score(X_test, y_test):.3f}")
for j in order[:5]:
    print(f"{importances[j]:.4f}  {names[j]}")

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.barh(names[order], importances[order])
ax.invert_yaxis()
ax.set(xlabel="importance (nats of training loss)", title="breast_cancer: columns that are left")
figure.savefig(options.out / "importances.png", dpi=150)

# %%
# So the estimator selects columns for any other, by `SelectFromModel`. ``threshold=1e-12`` keeps
# what is worth anything.

linear = LogisticRegression(C=10, max_iter=1000)
selected = make_pipeline(SelectFromModel(net, threshold=1e-12), linear).fit(X, y)
few = selected.score(X_test, y_test)
everything = linear.fit(X, y).score(X_test, y_test)
print(f"logistic regression: {few:.3f} with these columns, {everything:.3f} with all")

# %%
# Weight by weight, thirty are enough for a network that can be read: which measurements each unit
# weighs against each other.

net = OBSPrunedMLPClassifier(
    (8,), "tanh", target_sparsity=1 - 30 / (8 * 31), alpha=1, max_iter=500, random_state=0
).fit(X, y)
print(
    f"{net.n_weights_} weights, {net.inputs_.size} of {net.n_features_in_} columns, "
    f"{net.units_[0].size} units, accuracy {net.score(X_test, y_test):.3f}"
)
display = NetworkDisplay.from_estimator(net, feature_names=names, class_names=data.target_names)
display.figure_.savefig(options.out / "network_breast_cancer.png", dpi=150)
