"""
A pruned network in a Pipeline
==============================

What it costs in accuracy to drop most of the weights. `OBSPrunedMLPClassifier` does the whole job
in `fit`: scikit-learn's dense network, surgery in rounds, retraining after each. So it stands
wherever `MLPClassifier` does. With ``target_sparsity=0`` there is no surgery: the dense network
below is the one that is pruned.
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_obs import OBSPrunedMLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

print("sparsity  weights  inputs read  units  train accuracy  test accuracy")
for target_sparsity in (0, 0.8, 0.9):
    classifier = OBSPrunedMLPClassifier(
        (30,), target_sparsity=target_sparsity, alpha=1e-3, max_iter=1000, random_state=0
    )
    model = make_pipeline(MinMaxScaler(), classifier).fit(X_train, y_train)
    print(
        f"{classifier.sparsity_:8.2f} {classifier.n_weights_:8d} {classifier.inputs_.size:12d} "
        f"{classifier.units_[0].size:6d} {model.score(X_train, y_train):15.3f} "
        f"{model.score(X_test, y_test):14.3f}"
    )
