"""
Which pixels does a pruned network read?
========================================

This page shows how to draw what the hidden units of a pruned network still read. The inputs are
images of digits with 8 x 8 pixels, and 95% of the weights are removed.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.display import WeightMaskDisplay

# %%
# scikit-learn trains the dense network. `from_sklearn` takes it over, and `prune` keeps one weight
# in twenty.
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, test_size=0.25, random_state=0)
dense = MLPClassifier((30,), alpha=1e-3, max_iter=1000, random_state=0).fit(X, y)
net = OBSPrunedMLPClassifier.from_sklearn(dense)
net.prune(X, y, target_sparsity=0.95)

n_dense = sum(W.size for W in dense.coefs_)
n_pixels = np.count_nonzero(net.masks_[0], axis=0)
print(
    f"{net.n_weights_} of {n_dense} weights: accuracy {net.score(X_test, y_test):.3f}, "
    f"dense {dense.score(X_test, y_test):.3f}"
)
print(
    f"{net.inputs_.size} of {X.shape[1]} pixels are read, by {np.count_nonzero(n_pixels)} of "
    f"{n_pixels.size} units, {np.median(n_pixels[n_pixels > 0]):.0f} each at the median"
)

# %%
# There is one small image for each unit. Positive weights are blue, negative ones are orange, and
# blank pixels are not read. Pixels that are 0 in every image were removed before all others,
# because the outputs do not depend on them.
WeightMaskDisplay.from_estimator(net, image_shape=(8, 8))
plt.show()
