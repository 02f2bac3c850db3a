"""What is true of every fitted estimator: one small function each, slow and independent.

A function takes the fitted estimator and what it needs beside it, and fails by an assertion. The
arithmetic of the library is not used: values of a network are computed sample by sample, and what a
mask connects is followed weight by weight.
"""

import pickle
from types import SimpleNamespace

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from small_nets import assert_same_value

from sklearn_obs.network import prediction

VALUE_RTOL = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-4}


def assert_same(a, b):
    """Bit for bit the same attributes, nan included: a diverged network has such scores."""
    assert vars(a).keys() == vars(b).keys()
    for name in vars(a):
        if name.endswith("_"):
            one, other = getattr(a, name), getattr(b, name)
            if isinstance(one, list) and one and isinstance(one[0], float):
                one, other = np.array(one), np.array(other)
            assert_same_value(one, other, name)


# a network, slowly


def phi(name, z):
    """The activation of a hidden layer."""
    if name == "relu":
        return np.where(z > 0, z, 0.0)
    if name == "logistic":
        return np.exp(-np.logaddexp(0, -z))
    return np.tanh(z) if name == "tanh" else z


def layers_of(model):
    """[(W, b)] in float64."""
    pairs = zip(model.coefs_, model.intercepts_, strict=True)
    return [(W.astype(np.float64), b.astype(np.float64)) for W, b in pairs]


def imitated(model):
    """The network whose outputs are part of the targets, as far as `linear_parts` looks at it."""
    return SimpleNamespace(
        coefs_=model.dense_coefs_,
        intercepts_=model.dense_intercepts_,
        activation=model.activation,
        out_activation_=model.out_activation_,
    )


def linear_parts(model, x):
    """z of each layer for one sample x."""
    found, h = [], x
    for W, b in layers_of(model):
        z = b.copy()
        for value, weights in zip(h, W, strict=True):
            z = z + value * weights
        found.append(z)
        h = phi(model.activation, z)
    return found


def output(model, z):
    """p from the last linear part."""
    if model.out_activation_ == "softmax":
        e = np.exp(z - z.max())
        return e / e.sum()
    return phi("logistic", z) if model.out_activation_ == "logistic" else z


def outputs(model, X):
    """p for all samples of a dense X."""
    return np.stack([output(model, linear_parts(model, x)[-1]) for x in X])


def size_of_terms(model, X):
    """The size of the largest numbers that are summed on the way: what rounding is a share of."""
    h, largest = np.abs(X), 1.0
    for W, b in layers_of(model):
        z = h @ np.abs(W) + np.abs(b)
        largest = max(largest, float(z.max()))
        h = z if model.activation in ("relu", "identity") else np.minimum(z, 1)
    return largest


def dense(X):
    """X as an ndarray of float64."""
    return (X.toarray() if hasattr(X, "toarray") else X).astype(np.float64)


def masks_of(model):
    """The masks, flat, in the order of `coefs_ + intercepts_`."""
    return np.concatenate([m.ravel() for m in (*model.masks_, *model.intercept_masks_)])


def theta_of(model):
    """All parameters, flat."""
    return np.concatenate([a.ravel() for a in (*model.coefs_, *model.intercepts_)])


def removable_of(model):
    """The parameters that may be removed, flat."""
    removable = np.ones(masks_of(model).size, bool)
    if not model.prune_intercepts:
        removable[sum(W.size for W in model.coefs_) :] = False
    return removable


# invariants of a fitted estimator


def target_is_reached(model, target, n_before=0):
    """As many weights are removed as the target means, but the last weight stays."""
    removable = removable_of(model)
    n = int(removable.sum())
    wanted = max(min(round(target * n), n - 1), n_before)
    n_removed = int((removable & ~masks_of(model)).sum())
    if model.granularity == "weight":
        assert n_removed == wanted
    else:
        assert wanted <= n_removed < n


def removed_weights_are_0(model):
    """Exactly, not nearly."""
    assert_array_equal(theta_of(model)[~masks_of(model)], 0)


def counts_agree_with_masks(model):
    """`n_weights_` and `sparsity_` are what the masks hold."""
    removable = removable_of(model)
    n_left = int((removable & masks_of(model)).sum())
    assert model.n_weights_ == n_left
    assert model.sparsity_ == 1 - n_left / removable.sum()


def connections(model):
    """What the masks connect, followed weight by weight: (varies, matters, folded)."""
    masks, intercepts = model.masks_, model.intercept_masks_
    varies = [[True] * len(masks[0])]
    for M in masks:
        varies.append(
            [any(M[i, j] and varies[-1][i] for i in range(len(M))) for j in range(M.shape[1])]
        )

    def is_zero(l, i):  # nothing comes in, or only zeros: the unit is phi(0)
        if l == 0 or model.activation == "logistic" or intercepts[l - 1][i]:
            return False
        return all(is_zero(l - 1, k) for k in np.flatnonzero(masks[l - 1][:, i]))

    def folded(l, i, j):
        constant = not varies[l][i] and intercepts[l][j]
        return masks[l][i, j] and (constant or is_zero(l, i))

    matters = [[True] * masks[-1].shape[1]]
    for l in range(len(masks) - 1, -1, -1):
        n_in, n_out = masks[l].shape
        matters.insert(
            0,
            [
                any(masks[l][i, j] and not folded(l, i, j) and matters[0][j] for j in range(n_out))
                for i in range(n_in)
            ],
        )
    return varies, matters, folded


def dead_weights_are_counted_and_0(model):
    """Weights that lead nowhere, or come from a constant that went into an intercept."""
    _, matters, folded = connections(model)
    n_dead = 0
    for l, (M, W) in enumerate(zip(model.masks_, model.coefs_, strict=True)):
        for i, j in np.argwhere(M):
            if folded(l, i, j) or not matters[l + 1][j]:
                n_dead += 1
                assert W[i, j] == 0
    for l, (m, b) in enumerate(zip(model.intercept_masks_, model.intercepts_, strict=True)):
        for j in np.flatnonzero(m):
            if not matters[l + 1][j]:
                n_dead += bool(model.prune_intercepts)
                assert b[j] == 0
    assert model.n_dead_weights_ == n_dead


def units_and_inputs_agree_with_masks(model):
    """They are those that a path of remaining weights leads from to the output."""
    _, matters, _ = connections(model)
    assert model.inputs_.tolist() == np.flatnonzero(matters[0]).tolist()
    assert len(model.units_) == len(matters) - 2
    for units, layer in zip(model.units_, matters[1:-1], strict=True):
        assert units.tolist() == np.flatnonzero(layer).tolist()


def inputs_not_read_do_not_matter(model, X):
    """What is in other columns than `inputs_` changes no prediction."""
    X = dense(X).astype(model.coefs_[0].dtype)
    other = X.copy()
    others = np.setdiff1d(np.arange(X.shape[1]), model.inputs_)
    other[:, others] = 7.25
    assert_array_equal(_values(model, other), _values(model, X))


def everything_is_finite(model, X):
    """Weights, losses, importances and predictions.

    Not the `loss_` that a network from scikit-learn has before `prune`, which may have diverged.
    """
    assert np.isfinite(theta_of(model)).all()
    path = model.pruning_path_
    for name in ("pruned_loss", "loss"):
        assert np.isfinite(path[name]).all(), name
    if not model.n_rounds_:  # scikit-learn's network, which may have diverged
        return
    assert np.isfinite(_values(model, X)).all()
    assert np.isfinite(dense(model.transform(X))).all()
    if model._importances is not None:
        assert np.isfinite(model.feature_importances_).all()


def step_samples(model, n_used):
    """The samples of one step of the initial training, on `n_used` samples."""
    if model.solver == "lbfgs":
        return n_used
    if model.early_stopping:
        n_used -= int(np.ceil(model.validation_fraction * n_used))
    return min(200 if model.batch_size == "auto" else model.batch_size, n_used)


def loss_is_measured_on_all_samples(model, data, n_fitted=None):
    """`loss_` is the mean loss of the samples and the penalty, added up sample by sample.

    So is `label_loss` of the last round, without imitation and penalty.

    `n_fitted` is how many samples the network was trained on, where it has been pruned on others.
    """
    used = data.used
    X, dtype = data.dense_X()[used].astype(np.float64), model.coefs_[0].dtype
    weight = data.used_weights
    weight = np.ones(len(used)) if weight is None else weight
    y = data.y[used]
    if data.is_regression:
        Y = y.reshape(len(y), -1).astype(data.dtype).astype(float)
    elif data.targets == "label sets":
        Y = y.astype(float)
    else:
        Y = (y[:, None] == model.classes_).astype(float)
        if model.out_activation_ == "logistic":
            Y = Y[:, -1:] if model.classes_.size > 1 else 0 * Y
    eps = np.finfo(dtype).eps
    d = model.distillation
    teacher = imitated(model) if d else model
    # the loss against labels, against the outputs, and what rounding may make of it
    label, imitation, slack = 0.0, 0.0, 0.0
    rounding = 50 * eps * size_of_terms(model, X)  # of a linear part
    for x, target, w in zip(X, Y, weight, strict=True):
        p = output(model, linear_parts(model, x)[-1])
        p0 = output(teacher, linear_parts(teacher, x)[-1])
        if model.out_activation_ == "identity":
            label += w * 0.5 * float(((p - target) ** 2).sum())
            imitation += w * 0.5 * float(((p - p0) ** 2).sum())
            far = float((np.abs(p - target) + np.abs(p - p0)).sum())
            slack += w * (rounding * (far + rounding) + 50 * eps * far**2)
            continue
        p = np.clip(p, eps, 1 - eps)
        slack += w * rounding * (1 + float(np.abs(np.log(p)).sum()))
        for p_k, t_k, p0_k in zip(p, target, p0, strict=True):
            label -= w * t_k * float(np.log(p_k))
            imitation -= w * p0_k * float(np.log(p_k))
            if model.out_activation_ == "logistic":
                label -= w * (1 - t_k) * float(np.log1p(-p_k))
                imitation -= w * (1 - p0_k) * float(np.log1p(-p_k))
                slack += w * 4 * float(eps / (1 - p_k))  # 1 - p is not known better
    penalty = model.weight_decay
    if penalty is None:
        steps = step_samples(model, len(used) if n_fitted is None else n_fitted)
        penalty = model.alpha / (steps * weight.mean())
    squares = sum(float((W**2).sum()) for W, _ in layers_of(model))
    expected = (d * imitation + (1 - d) * label) / weight.sum() + penalty / 2 * squares
    tolerance = {"rtol": 100 * eps, "atol": slack / weight.sum()}
    assert_allclose(model.loss_, expected, **tolerance)
    if model.n_rounds_:
        found = model.pruning_path_["label_loss"][-1]
        assert_allclose(found, label / weight.sum(), **tolerance)


def path_ends_at_the_loss(model):
    """The last round's loss is that of the network as it is."""
    if model.n_rounds_:
        assert model.loss_ == model.pruning_path_["loss"][-1]


def retraining_lowers_the_loss(model):
    """What retraining hands back is never worse than what it was given."""
    path = model.pruning_path_
    eps = np.finfo(model.coefs_[0].dtype).eps
    slack = 10 * eps * np.abs(path["pruned_loss"])
    assert (path["loss"] <= path["pruned_loss"] + slack).all()


def path_tells_the_masks(model, start=None):
    """Each round brings back what is regrown, then removes; what is left is in the masks.

    `start` is what remained when the record began, if not everything.
    """
    path = model.pruning_path_
    n_rounds = model.n_rounds_
    left = np.ones(masks_of(model).size, bool) if start is None else start.copy()
    removable = removable_of(model)
    for name in ("n_weights", "predicted_loss", "pruned_loss", "loss", "epochs"):
        assert len(path[name]) == n_rounds, name
    for name in ("round", "regrown_round"):
        assert (np.diff(path[name]) >= 0).all()
        assert ((path[name] >= 1) & (path[name] <= n_rounds)).all()
    for number in range(1, n_rounds + 1):
        back = path["regrown"][path["regrown_round"] == number]
        out = path["removed"][path["round"] == number]
        assert not left[back].any(), "what comes back was there"
        left[back] = True
        assert left[out].all(), "what is removed was not there"
        assert len(set(out.tolist())) == len(out), "removed twice in a round"
        left[out] = False
        assert path["n_weights"][number - 1] == (left & removable).sum()
    assert_array_equal(left, masks_of(model))


def saliencies_add_up(model, dense_loss, *, first_round=1):
    """A round's predicted loss is the loss before it and its saliencies, none of them negative."""
    path = model.pruning_path_
    before = dense_loss
    for number in range(first_round, model.n_rounds_ + 1):
        saliency = path["saliency"][path["round"] == number]
        swap = bool((path["regrown_round"] == number).any())
        if model.criterion in ("obs", "obd"):
            assert np.isfinite(saliency).all()
            if not swap:
                assert (saliency >= 0).all()
        assert_allclose(path["predicted_loss"][number - 1], before + saliency.sum(), rtol=1e-12)
        before = path["loss"][number - 1]


def swaps_lower_the_loss(model, dense_loss):
    """A round that brings weights back is kept only if the loss has fallen."""
    path = model.pruning_path_
    losses = [dense_loss, *path["loss"]]
    for number in np.unique(path["regrown_round"]):
        assert losses[number] < losses[number - 1]


def loss_increase_is_kept(model, label_loss):
    """No round leaves a loss against the labels beyond the limit, from `label_loss` at first."""
    if model.max_loss_increase is not None and model.n_rounds_:
        most = (1 + model.max_loss_increase) * label_loss
        assert (model.pruning_path_["label_loss"] <= most).all()


def importances_are_of_inputs(model):
    """Never negative, and 0 of inputs that are not read."""
    if model._importances is None:
        return
    importances = model.feature_importances_
    assert importances.shape == (model.n_features_in_,)
    assert (importances >= 0).all()
    others = np.setdiff1d(np.arange(model.n_features_in_), model.inputs_)
    assert_array_equal(importances[others], 0)


def predictions_are_the_networks(model, X):
    """What `predict` puts out is what the network computes, sample by sample."""
    expected = outputs(model, dense(X))
    found = _values(model, X)
    if model.out_activation_ == "logistic" and model.n_outputs_ == 1:
        found = found[:, 1:]
    rtol = VALUE_RTOL[model.coefs_[0].dtype]
    atol = rtol * size_of_terms(model, dense(X))
    assert_allclose(found.reshape(expected.shape), expected, rtol=rtol, atol=atol)


def every_form_predicts_the_same(model, X, monkeypatch_context):
    """As it is, compacted or by rows: the forms that large networks are multiplied in."""
    expected = _values(model, X), dense(model.transform(X))
    with monkeypatch_context() as patch:
        patch.setattr(prediction, "LEAST", 0)
        patch.setattr(prediction, "MARGIN", np.inf)
        found = _values(model, X), dense(model.transform(X))
    rtol = VALUE_RTOL[model.coefs_[0].dtype]
    atol = rtol * size_of_terms(model, dense(X))
    for a, b in zip(found, expected, strict=True):
        assert_allclose(a, b, rtol=rtol, atol=atol)


def scikit_learn_predicts_the_same(model, X):
    """The plain estimator of `to_sklearn`, bit for bit."""
    mlp = model.to_sklearn()
    assert_array_equal(mlp.predict(X), model.predict(X))
    if hasattr(model, "predict_proba"):
        assert_array_equal(mlp.predict_proba(X), model.predict_proba(X))


def compact_predicts_the_same(model, X):
    """Without units that carry nothing, and without inputs that are not read."""
    small, narrow = model.compact(), model.compact(drop_inputs=True)
    columns = model.inputs_ if len(model.inputs_) else np.zeros(1, int)
    carrying = theta_of(model)[masks_of(model)] != 0
    dtype = model.coefs_[0].dtype
    rtol = VALUE_RTOL[dtype]
    atol = rtol * size_of_terms(model, dense(X))
    expected = _values(model, X)
    for less, Z in ((small, X), (narrow, X[:, columns])):
        assert_allclose(_values(less, Z), expected, rtol=rtol, atol=atol)
        assert less.coefs_[0].dtype == dtype
        assert sum(W.size for W in less.coefs_) <= sum(W.size for W in model.coefs_)
        assert np.count_nonzero(theta_of(less)) <= np.count_nonzero(carrying)
        removed_weights_are_0(less)
        counts_agree_with_masks(less)
        dead_weights_are_counted_and_0(less)
        units_and_inputs_agree_with_masks(less)
        assert less.loss_ == model.loss_
    assert small.n_features_in_ == model.n_features_in_


def transform_gives_the_last_layer(model, X):
    """Activations of the last hidden layer's units, or inputs that are read."""
    T = dense(model.transform(X))
    kept = model.units_[-1] if model.units_ else model.inputs_
    assert T.shape == (X.shape[0], len(kept))
    assert len(model.get_feature_names_out()) == len(kept)
    Z = dense(X)
    if not model.units_:
        assert_array_equal(T, Z[:, kept])
        return
    expected = np.stack([phi(model.activation, linear_parts(model, x)[-2])[kept] for x in Z])
    rtol = VALUE_RTOL[model.coefs_[0].dtype]
    assert_allclose(T, expected, rtol=rtol, atol=rtol * size_of_terms(model, Z))


def pickle_keeps_everything(model, X):
    """Attributes bit for bit, hence predictions."""
    again = pickle.loads(pickle.dumps(model))
    assert_same(again, model)
    assert_array_equal(_values(again, X), _values(model, X))
    assert_array_equal(again.predict(X), model.predict(X))


def dtype_is_kept(model, dense):
    """The network has the dtype of the dense one: of X, but scikit-learn's lbfgs makes float64."""
    for a in (*model.coefs_, *model.intercepts_):
        assert a.dtype == dense.coefs_[0].dtype


def _values(model, X):
    """Probabilities, or predicted numbers."""
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


values = _values


def same_values(found, expected, model, X):
    """Predictions that differ by rounding at most."""
    rtol = VALUE_RTOL[model.coefs_[0].dtype]
    assert_allclose(found, expected, rtol=rtol, atol=rtol * size_of_terms(model, dense(X)))


def of_the_network(model, X):
    """What is true of a fitted estimator whatever became of it since."""
    everything_is_finite(model, X)
    removed_weights_are_0(model)
    counts_agree_with_masks(model)
    dead_weights_are_counted_and_0(model)
    units_and_inputs_agree_with_masks(model)
    inputs_not_read_do_not_matter(model, X)
    importances_are_of_inputs(model)
    predictions_are_the_networks(model, X)
    transform_gives_the_last_layer(model, X)


def all_of_them(model, data, *, target=None, n_before=0, n_fitted=None, start=None):
    """What is true of a fitted estimator after `fit` or `prune` on `data`."""
    of_the_network(model, data.X)
    if target is not None:
        target_is_reached(model, target, n_before)
    if np.isfinite(model.loss_) or model.n_rounds_:  # scikit-learn's network may have diverged
        loss_is_measured_on_all_samples(model, data, n_fitted)
    path_ends_at_the_loss(model)
    retraining_lowers_the_loss(model)
    path_tells_the_masks(model, start)
