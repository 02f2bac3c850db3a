"""How sparse, and with how much damping? A grid search over both.

Surgery adds `damping` times the mean diagonal of the Hessian H to its diagonal::

    H <- H + damping * mean(diag H) * I

Too little trusts the quadratic model far from where it holds, too much makes every repair vanish.
Of the settings at most a point of accuracy below the best, the sparsest is chosen.
"""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_obs import OBSPrunedMLPClassifier

SPARSITIES = [0.0, 0.8, 0.9, 0.95, 0.98]
DAMPINGS = [1e-3, 1e-2, 1e-1]
N_FOLDS = 5


def sparsest_of_the_good(results):
    """The index of the sparsest setting that is at most a point below the best."""
    accuracy = results["mean_test_score"]
    sparsity = results["param_obsprunedmlpclassifier__target_sparsity"].astype(float)
    return np.lexsort((accuracy, np.where(accuracy >= accuracy.max() - 0.01, sparsity, -1)))[-1]


X, y = load_breast_cancer(return_X_y=True)
model = make_pipeline(
    StandardScaler(),
    OBSPrunedMLPClassifier((10,), solver="lbfgs", alpha=0.1, max_iter=500, random_state=0),
)
grid = {
    "obsprunedmlpclassifier__target_sparsity": SPARSITIES,
    "obsprunedmlpclassifier__damping": DAMPINGS,
}
search = GridSearchCV(model, grid, cv=N_FOLDS, n_jobs=2, refit=sparsest_of_the_good)
search.fit(X, y)

accuracy = search.cv_results_["mean_test_score"].reshape(len(DAMPINGS), len(SPARSITIES))
print(f"Accuracy in {N_FOLDS}-fold cross-validation")
print("damping   sparsity" + "".join(f"{s:7.2f}" for s in SPARSITIES))
for damping, row in zip(DAMPINGS, accuracy, strict=True):
    print(f"{damping:7g}           " + "".join(f"{a:7.3f}" for a in row))

classifier = search.best_estimator_[-1]
names = load_breast_cancer().feature_names[classifier.inputs_]
print(
    f"Chosen: target_sparsity={classifier.target_sparsity}, damping={classifier.damping}, "
    f"accuracy {search.cv_results_['mean_test_score'][search.best_index_]:.3f}, "
    f"{classifier.n_weights_} weights"
)
print(f"It reads {names.size} of {X.shape[1]} inputs: {', '.join(names)}")
