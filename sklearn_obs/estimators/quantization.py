"""Few bits: the part of `PrunedMLP` that puts the weights of a network on grids."""

from copy import copy
from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils.sparsefuncs import min_max_axis
from sklearn.utils.validation import check_is_fitted

from sklearn_obs.estimators.attributes import (
    described,
    mask_of,
    network_of,
    unchanged_after_failure,
)
from sklearn_obs.estimators.checked_samples import CheckedSamples
from sklearn_obs.estimators.core_plan import plan_of
from sklearn_obs.estimators.parameters import check_parameters, check_without_labels
from sklearn_obs.estimators.run import objective_of, seed_of
from sklearn_obs.estimators.samples import MatrixLike
from sklearn_obs.estimators.unlike_training import warn_if_unlike_training
from sklearn_obs.machine import one_blas_thread
from sklearn_obs.network import loss
from sklearn_obs.pruning import Problem, Scope
from sklearn_obs.pruning.quantization import activation_scales, of_single_weights, quantized

BITS = (2, 3, 4, 8)


class Quantization(CheckedSamples):
    """The part of `PrunedMLP` for weights of few bits."""

    n_bits_: int
    weight_scales_: list[np.ndarray]
    activation_scales_: np.ndarray
    input_range_: np.ndarray

    def quantize(
        self,
        X: MatrixLike,
        y: ArrayLike | None = None,
        *,
        bits: int = 4,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Round the remaining weights to a few bits, with one scale for each unit.

        The weights are rounded one at a time, the one with the smallest saliency first, and the
        weights that are not rounded yet are adjusted to compensate. This is Optimal Brain Surgeon
        with a constant other than 0. Then the scales and the intercepts are trained while the whole
        numbers stay fixed. The weights of a unit are whole numbers times its scale. There are 255
        different whole numbers with 8 bits, 15 with 4, 7 with 3, and 3 with 2: -1, 0 and 1.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training data, or new data of the same kind.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their targets. Without targets, only the outputs of the dense network (or of the
            teacher) are imitated, as in `prune`.
        bits : {8, 4, 3, 2}, default=4
            Number of bits of each weight.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`.

        Returns
        -------
        self : object
            The estimator. `coefs_` contain the rounded weights, so that `predict` and all other
            methods work as before. Removed weights stay removed. A weight that is rounded to 0
            still counts as remaining.

        Raises
        ------
        ValueError
            If `bits` is another number, and as in `prune`.
        MemoryError, numpy.linalg.LinAlgError
            As in `prune`. The network is then not changed.

        References
        ----------
        Hassibi, B. and Stork, D. G. (1992). Second order derivatives for network pruning: Optimal
        Brain Surgeon. Advances in Neural Information Processing Systems 5, section 7.

        Frantar, E. and Alistarh, D. (2022). Optimal Brain Compression: a framework for accurate
        post-training quantization and pruning. Advances in Neural Information Processing
        Systems 35.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.preprocessing import scale
        >>> from sklearn_obs import OBSPrunedMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> clf = OBSPrunedMLPClassifier((5,), solver="lbfgs", alpha=1, random_state=0)
        >>> clf = clf.set_params(target_sparsity=0.4).fit(scale(X), y).quantize(scale(X), y, bits=2)
        >>> integers = clf.coefs_[0] / clf.weight_scales_[0]
        >>> bool((abs(integers) <= 1).all())
        True
        """
        check_is_fitted(self)
        asked = copy(self)  # what is put on a grid is single weights, by Optimal Brain Surgeon
        asked.criterion, asked.granularity, asked.n_swaps = "obs", "weight", 0
        asked.max_loss_increase = None  # which acts in `prune` alone
        check_parameters(asked)
        if not (isinstance(bits, Integral) and not isinstance(bits, bool) and bits in BITS):
            raise ValueError(
                f"Got bits={bits!r}, but expected one of {', '.join(map(str, BITS))}: the number "
                "of bits of each weight."
            )
        if y is None:
            check_without_labels(asked)
        with one_blas_thread(), unchanged_after_failure(self):
            given = X, sample_weight
            X, y, sample_weight = self._validate(X, y, sample_weight, reset=False)
            taught = self._taught(given, y, sample_weight, self._asked())
            attributes, targets = vars(self), self._targets(y)
            objective = objective_of(self, attributes, X, targets, sample_weight, taught)
            network, mask = network_of(self, attributes), mask_of(attributes)
            if y is not None:
                warn_if_unlike_training(network, objective)
            scope = Scope.of(network.layout, plan_of(self), X, mask, network.dtype)
            problem = of_single_weights(Problem(scope, objective, seed_of(self)))
            problem.scope.check_memory()
            found = quantized(network, mask, problem, int(bits), problem.rng(self.n_rounds_ + 1))
            lowest, highest = _ranges(X)
            self._store(
                {
                    **described(self, found.network, mask),
                    "loss_": loss(found.network, objective),
                    "n_bits_": int(bits),
                    "weight_scales_": found.scales,
                    "activation_scales_": activation_scales(found.network, X),
                    "input_range_": np.array([lowest, highest]),
                    "_importances": None,
                }
            )
        return self


def _ranges(X):
    """The least and the largest value of each column."""
    return min_max_axis(X, axis=0) if issparse(X) else (X.min(axis=0), X.max(axis=0))


def quantization_of(estimator, kept):
    """The attributes of a quantized estimator for these inputs and units; none of another.

    `kept` are indices, layer by layer from the inputs to the outputs.
    """
    if not hasattr(estimator, "n_bits_"):
        return {}
    inputs, *units = kept
    scales = zip(estimator.weight_scales_, units, strict=True)
    return {
        "n_bits_": estimator.n_bits_,
        "weight_scales_": [s[some] for s, some in scales],
        "activation_scales_": estimator.activation_scales_.copy(),
        "input_range_": estimator.input_range_[:, inputs],
    }
