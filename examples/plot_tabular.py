"""
Which columns matter, and a network that you can read
=====================================================

This page shows two ways to make a network on a table small: by removing whole columns, and by
removing single weights until you can draw the rest with the names of the columns. The table is
breast_cancer, with 569 samples and 30 columns, most of which are correlated.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.display import NetworkDisplay

data = load_breast_cancer()
names = data.feature_names
X, X_test, y, y_test = train_test_split(data.data, data.target, random_state=0)
scaler = StandardScaler().fit(X)
X, X_test = scaler.transform(X), scaler.transform(X_test)

# %%
# With ``granularity="input"`` a column is removed as a whole, with all its weights.
# `feature_importances_` is the predicted increase of the training loss, in nats, if the column were
# removed and the remaining weights were updated to make up for it.
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
ax.set(xlabel="importance (nats of training loss)", title="breast_cancer: remaining columns")
plt.show()

# %%
# With `SelectFromModel` the network selects columns for any other estimator.
# ``threshold=1e-12`` keeps all columns that have an importance above 0.
linear = LogisticRegression(C=10, max_iter=1000)
selected = make_pipeline(SelectFromModel(net, threshold=1e-12), linear).fit(X, y)
few = selected.score(X_test, y_test)
everything = linear.fit(X, y).score(X_test, y_test)
print(f"logistic regression: {few:.3f} with these columns, {everything:.3f} with all")

# %%
# With the default, single weights are removed. Thirty of them are enough here, and they can be
# drawn: you see which measurements each unit weighs against each other.

# sphinx_gallery_thumbnail_number = 2
net = OBSPrunedMLPClassifier(
    (8,), "tanh", target_sparsity=1 - 30 / (8 * 31), alpha=1, max_iter=500, random_state=0
).fit(X, y)
print(
    f"{net.n_weights_} weights, {net.inputs_.size} of {net.n_features_in_} columns, "
    f"{net.units_[0].size} units, accuracy {net.score(X_test, y_test):.3f}"
)
NetworkDisplay.from_estimator(net, feature_names=names, class_names=data.target_names)
plt.show()
