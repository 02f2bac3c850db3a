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
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPCV
from sklearn_obs.display import NetworkDisplay

# %%
# The table is made up: customers who leave, or stay. Whether they leave depends on age, income and
# distance, and on the contract; "visits" and "region" are noise. A tenth of the values of two
# columns is missing.
rng, n = np.random.default_rng(0), 3000
X = pd.DataFrame(
    {
        "age": rng.integers(18, 90, n),
        "income": rng.lognormal(10, 0.5, n).round(),
        "distance": rng.exponential(5, n).round(1),
        "visits": rng.poisson(3, n),
        "contract": rng.choice(["none", "month", "year"], n, p=[0.2, 0.5, 0.3]),
        "region": rng.choice(["north", "south", "east", "west"], n),
    }
)
bound = X["contract"] != "none"
risk = np.where(bound, 0.08 * abs(X["age"] - 50), 0.4 * X["distance"])
risk += 2 * (X["contract"] == "month") - 2 * np.log(X["income"] / 22_000)
y = np.where(risk + rng.logistic(size=n) > 3, "leaves", "stays")
for name in ("income", "contract"):
    X.loc[rng.random(n) < 0.1, name] = np.nan
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
