"""
Which variables does the network need?
======================================

This page shows how to find and remove the variables that a network does not need. The encoder turns
each category into several columns. With `input_groups`, these columns are one variable: it has one
importance, and it is removed as a whole.

The table is made up and has nine numbers and three categories. Four of these twelve variables are
noise, and one of the four, "shadow", is correlated with a useful variable.
"""

# %%
# These are the data.
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier, input_groups_of
from sklearn_obs.display import InputImportancesDisplay

rng = np.random.default_rng(0)
numbers = ["slope", "fall", "square", "step", "left", "right", "shadow", "noise 1", "noise 2"]
X = pd.DataFrame(rng.standard_normal((3000, 9)), columns=numbers)
X["shadow"] = 0.6 * X["slope"] + 0.8 * X["shadow"]
log_odds = 1.5 * X["slope"] - 1.2 * X["fall"] + 0.8 * (X["square"] ** 2 - 1)
log_odds += 1.2 * np.sign(X["step"]) + 1.5 * X["left"] * X["right"]
levels = {
    "region": {"north": -1.2, "east": 0.8, "south": 1.2, "west": -0.8},
    "colour": {"red": 1, "green": -1, "blue": 1, "black": -1, "white": 1, "grey": -1},
    "batch": dict.fromkeys(("a", "b", "c", "d", "e"), 0),
}
for name, effects in levels.items():
    X[name] = rng.choice(list(effects), len(X))
    log_odds += X[name].map(effects)
y = (rng.random(len(X)) < 1 / (1 + np.exp(-log_odds))).to_numpy().astype(int)
noise = {"shadow", "noise 1", "noise 2", "batch"}

# %%
# The regularisation comes first, because noise is important to a network that has learned noise.
# Here cross-validation chooses `alpha` for the dense network.
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

columns = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(), list(levels)))
net = OBSPrunedMLPClassifier((30,), target_sparsity=0, max_iter=500, random_state=0)
grid = {"obsprunedmlpclassifier__alpha": [0.1, 1, 10]}
search = GridSearchCV(make_pipeline(columns, net), grid, scoring="neg_log_loss", cv=3)
with warnings.catch_warnings():  # with alpha=0.1, more than 500 epochs would overfit more
    warnings.simplefilter("ignore", ConvergenceWarning)
    model = search.fit(X_train, y_train).best_estimator_
print(f"alpha = {model[-1].alpha}, test accuracy {model.score(X_test, y_test):.3f}")

# %%
# The importance of a variable is how much the loss would rise without it, after the remaining
# weights have been updated to make up for it. The lines show how much that varies over resampled
# samples.
model[-1].set_params(input_groups=input_groups_of(model[0]))
display = InputImportancesDisplay.from_estimator(model, X_train, y_train)
for text in display.ax_.get_yticklabels():
    text.set_color("tab:red" if text.get_text() in noise else "black")
display.ax_.set_title("importance in the dense network (red: noise)", fontsize=10)
plt.show()

# %%
# Permutation importance answers another question: how much worse does the score become if a column
# is shuffled and nothing makes up for it? It works with any model. The order is much the same here;
# it would differ if one variable could replace another.
shuffled = permutation_importance(
    model, X_test, y_test, scoring="neg_log_loss", n_repeats=10, random_state=0
)
for i in np.argsort(-shuffled.importances_mean):
    mean, std = shuffled.importances_mean[i], shuffled.importances_std[i]
    print(f"{X.columns[i]:8s} {mean:7.4f} +- {std:.4f}")

# %%
# With ``granularity="input"`` whole variables are removed, the least important first, and the
# network is retrained. ``step=1`` removes one at a time.
model[-1].set_params(granularity="input", step=1)
Z_train, Z_test = model[0].transform(X_train), model[0].transform(X_test)
labels = input_groups_of(model[0])
left, scores = [12], [model[-1].score(Z_test, y_test)]
while left[-1] > 3:
    model[-1].prune(Z_train, y_train, n_weights=model[-1].n_weights_ - 1)
    gone = set(labels) - set(labels[model[-1].inputs_])
    left.append(12 - len(gone))
    scores.append(model[-1].score(Z_test, y_test))
    if left[-1] == 8:
        print("the first four removed:", ", ".join(sorted(gone)))

_, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
ax.plot(left, scores, marker="o", color="tab:blue")
ax.axvline(8, color="0.5", linestyle=":")
ax.annotate(
    "up to here only noise\nwas removed",
    (8, min(scores)),
    (-6, 0),
    textcoords="offset points",
    ha="right",
)
ax.set(xlabel="remaining variables", ylabel="test accuracy", xticks=left)
ax.invert_xaxis()
ax.grid(alpha=0.3)
plt.show()
