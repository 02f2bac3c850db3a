"""
Numbers, categories and missing values in one Pipeline
======================================================

This page shows how to fit and prune a network on a table as you may have it: with numbers on
different scales, categories in words, and missing values. All steps that make numbers of the
columns are in one Pipeline, in front of the network. `OBSPrunedMLPCV` takes the whole Pipeline, so
that in cross-validation these steps are fitted on training samples only.
"""

import matplotlib.pyplot as plt
import numpy as np
from datasets import mixed_table
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
from sklearn_obs.display import NetworkDisplay

# %%
# The table is made by a program (`examples/datasets.py`), with nine numbers and three categories.
# We take out a tenth of the values of two columns.
X, y, noise = mixed_table(3000, seed=0)
rng = np.random.default_rng(0)
for name in ("fall", "colour"):
    X.loc[rng.random(len(X)) < 0.1, name] = np.nan
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
print(X_train.head(3).round(2).to_string(index=False))

# %%
# Missing numbers are replaced by the mean, and a new column says where they were missing. For
# categories, missing is one more category. The scaler comes first: it ignores missing values.
numbers, words = list(X.select_dtypes("number")), list(X.select_dtypes(exclude="number"))
columns = make_column_transformer(
    (make_pipeline(StandardScaler(), SimpleImputer(add_indicator=True)), numbers),
    (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
    verbose_feature_names_out=False,
)
net = OBSPrunedMLPClassifier((20,), solver="lbfgs", alpha=10, max_iter=5000, random_state=0)
search = OBSPrunedMLPCV(make_pipeline(columns, net), scoring="neg_log_loss")
search.fit(X_train, y_train)

# %%
# The search has chosen the sparsest network within one standard error of the best log loss.
columns, net = search.estimator_
print(f"{search.sparsity_:.1%} of the weights are removed, {net.n_weights_} remain")
print(f"accuracy on test samples: {search.estimator_.score(X_test, y_test):.3f}")
names = columns.get_feature_names_out()
print("columns not read:", ", ".join(np.delete(names, net.inputs_)))
_, ax = plt.subplots(figsize=(8, 6), layout="constrained")
NetworkDisplay.from_estimator(search, ax=ax)
plt.show()
