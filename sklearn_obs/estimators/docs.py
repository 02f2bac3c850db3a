"""The parameters and attributes that both estimators document, once."""

from textwrap import indent

_PARAMETERS = """\
hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
    Units of each hidden layer; ``()`` for none.
activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
    Activation of the hidden layers.
target_sparsity : float in [0, 1), default=0.9
    Share of the dense network's prunable weights to remove; reached exactly (with `granularity`,
    to within a group), but for the last weight, which is kept. 0 is scikit-learn's network as one
    BLAS thread trains it, bit for bit, whatever else is set.
distillation : float in [0, 1], default=0.75
    How far pruning and retraining imitate the dense network instead of learning the labels anew:
    the targets are this share of the dense network's outputs and the rest of y. At 0 only y counts,
    at 1 only the outputs, for which `prune` needs no y. The outputs keep what the dense network
    knows beyond the labels, above all how sure it may be.
teacher : estimator, default=None
    Whose outputs are imitated in place of the dense network's: `predict_proba`, of a regressor
    `predict`. A `FrozenEstimator` is asked directly. Any other is cloned and asked out of fold, by
    each `fit` and each `prune`, and gets the sample weights if its `fit` takes them. It sees the X
    that `fit` sees: in a Pipeline that scales, scaled columns.
weight_decay : float >= 0 or None, default=1e-3
    Coefficient of half the squared weights in the loss of pruning and retraining. None takes the
    dense network's own, which is `alpha` over the rows of one of its training steps (scikit-learn's
    default comes to 5e-7). For numbers as targets it is in squared units of y: scale y.
damping : float >= 0, default=0.02
    Added to the diagonal of the Hessian, as a fraction of the diagonal's mean. Too little trusts
    repairs out of the quadratic model's range (or cannot be inverted), too much repairs little.
retrain_epochs : int or None, default=20
    Passes over the data in each round's retraining of the remaining weights, at most: one pass
    evaluates the loss and its gradient once on every row. 0 moves no weight except by OBS's own
    weight update; None goes on until converged, at most `max_iter` passes.
retrain_solver : {'auto', 'newton', 'lbfgs', 'adam'}, default='auto'
    'newton' takes conjugate-gradient steps on the exact Gauss-Newton matrix of all rows, at least 4
    passes a round; while many weights survive it mostly lowers the loss more than 'lbfgs' does in
    as many passes. 'lbfgs' takes each pass over all rows, 'adam' in batches, with the dense stage's
    `batch_size`, `beta_1`, `beta_2` and `epsilon`, and its `learning_rate_init` if that was adam's,
    else 0.001. 'auto' is 'adam' beyond 5,000 rows; below, 'newton' while 100 parameters are left
    and a round has 40 passes, else 'lbfgs'.
step : int or float, default=0.2
    Weights to remove per round: a number, or a share of the survivors in (0, 1), at least one.
criterion : {'obs', 'obd', 'magnitude', 'layer_magnitude', 'movement', 'random'}, default='obs'
    'obs' is Optimal Brain Surgeon. 'obd', Optimal Brain Damage (LeCun, Denker and Solla 1989),
    takes the Hessian for diagonal; 'magnitude' removes the smallest weights, 'layer_magnitude' the
    same share of every layer; 'movement' those that training moves towards 0 (Sanh, Wolf and Rush
    2020), seen in the first half of a round's retraining; 'random' any. All but 'obs' rank once a
    round and repair nothing; passes of retraining are the same for all.
structure : {'auto', 'unit', 'layer', 'full', 'low_rank', 'kronecker'}, default='auto'
    What 'obs' keeps of the Hessian: one block per unit (its incoming weights and intercept), one
    per layer, or all of it; a block of n weights takes 8 n^2 bytes and n^3 operations. 'low_rank'
    is all of it, too, held by its m rows: 8 m n bytes, for m much smaller than n. 'kronecker' takes
    the inputs and the signals of a layer for independent (K-FAC): units choose, layers repair.
    'auto' is, round by round, 'layer' where no layer has more than 600 survivors, else 'unit'; of
    whole inputs, and of their importances, always 'unit'.
curvature : {'ggn', 'fisher', 'empirical_fisher', 'hessian'}, default='ggn'
    What the Hessian is taken to be. 'ggn' is Gauss-Newton's, which the 1992 paper uses. 'fisher'
    estimates it from one label a row, drawn from the network: cheaper by the number of outputs, and
    noisier. 'empirical_fisher' has the true labels instead, and vanishes where the fit is perfect.
    'hessian' is exact, with the second derivatives that the paper drops; where it is not positive
    definite, its eigenvalues lose their signs. It goes with 'layer' ('auto' is, then) and 'full'.
n_curvature_samples : int, default=500
    Rows that curvature is measured on, drawn afresh each round (of each class its share); all of
    them if there are fewer, and more where a block of 'unit', 'layer' or 'full' needs more for its
    rank. 'low_rank' has as many rows as these, times the outputs for 'ggn'.
prune_intercepts : bool, default=False
    Whether intercepts may be removed and count as weights. They repair in any case.
max_loss_increase : float >= 0 or None, default=None
    Stop before a round that leaves the loss against y, after retraining and without the penalty,
    larger than 1 + this times what it was when pruning began (in `prune`: when it was called). That
    round is undone, and `sparsity_` says how far it went. None has no limit.
n_swaps : int, default=0
    How often removed weights may come back for others once the sparsity is reached, and how many
    at a time, at most. A swap is retrained and kept only if it lowered the loss; recorded as a
    round.
granularity : {'weight', 'unit', 'input'}, default='weight'
    What goes at once: a weight, a hidden unit with all its weights, or all weights of an input. The
    group of least saliency goes first; the one that reaches `target_sparsity` goes as a whole, and
    the last of a layer never. To remove weights inside what is left, set 'weight' and `prune`.
input_groups : array-like of shape (n_features,), callable or None, default=None
    Which inputs are one variable, such as the one-hot columns of a category: a label for each
    input, None for one on its own. A callable gets `feature_names_in_` and returns the labels, so
    that it works in each fold of a search, whose encoder may put out other columns. With
    ``granularity="input"`` whole variables are removed; `feature_importances_` are joint
    saliencies. See `input_groups_of`.
memory : str or joblib.Memory, default=None
    Where dense networks are kept, so that a search over surgical parameters trains each of its
    folds once: a network is trained again only if X, y, weights or parameters of the dense stage
    differ. Of an integer `random_state` only; warnings of the dense stage are not repeated.
n_jobs : int, default=None
    Workers for the blocks of 'unit', 'layer' and 'kronecker', as in joblib. Does not change the
    result.
solver : {'lbfgs', 'sgd', 'adam'}, default='adam'
    Of the dense stage, as all that follow: parameters of scikit-learn's estimator, with its
    defaults and its meaning. `alpha` acts in surgery, too.
alpha : float, default=0.0001
    Strength of the L2 penalty on the weights.
batch_size : int or 'auto', default='auto'
    Rows of a mini-batch; 'auto' is ``min(200, n_samples)``.
learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
    Schedule of the learning rate of 'sgd'.
learning_rate_init : float, default=0.001
    Initial learning rate of 'sgd' and 'adam'.
power_t : float, default=0.5
    Exponent of 'invscaling'.
max_iter : int, default=200
    Iterations (epochs for 'sgd' and 'adam') of the dense stage.
shuffle : bool, default=True
    Whether to shuffle rows in each epoch.
random_state : int, RandomState instance or None, default=None
    Initial weights, batches, rows for curvature. An int makes everything repeatable.
tol : float, default=1e-4
    Tolerance of the optimisation.
verbose : bool, default=False
    Whether to print progress, one line an iteration and one a round. For progress bars see
    `set_callbacks`, from scikit-learn 1.9 on.
momentum : float, default=0.9
    Momentum of 'sgd'.
nesterovs_momentum : bool, default=True
    Whether it is Nesterov's.
early_stopping : bool, default=False
    Whether the dense stage stops by the score on rows set aside. Surgery sees all rows.
validation_fraction : float, default=0.1
    Share of rows set aside for it.
beta_1 : float, default=0.9
    Decay of the first moment in 'adam'.
beta_2 : float, default=0.999
    Decay of the second moment in 'adam'.
epsilon : float, default=1e-8
    Keeps 'adam' from dividing by zero.
n_iter_no_change : int, default=10
    Epochs without improvement by `tol` after which the dense stage stops.
max_fun : int, default=15000
    Function calls of 'lbfgs' in the dense stage.
"""

_ATTRIBUTES = """\
coefs_ : list of ndarray of shape (fan_in, fan_out)
    Weights, layer by layer, exactly 0 where removed.
intercepts_ : list of ndarray of shape (fan_out,)
    Intercepts, layer by layer.
masks_ : list of ndarray of shape (fan_in, fan_out), bool
    Where weights survive. A weight may be 0 and alive.
intercept_masks_ : list of ndarray of shape (fan_out,), bool
    Where intercepts survive.
sparsity_ : float
    Share of the prunable weights that has been removed.
n_weights_ : int
    Surviving prunable weights.
n_dead_weights_ : int
    Those among them that have no effect on the output. They are 0, and the next round removes them
    first.
inputs_ : ndarray of shape (n_inputs_read,), int
    Indices of the inputs that are still read.
feature_importances_ : ndarray of shape (n_features,)
    Joint saliency of each input: what the loss would rise by if all its weights were removed and
    the others made up for it, by the curvature of the network as it is; exactly 0 where not read.
    With `input_groups`, each input has that of its variable. Of criteria other than 'obs', no other
    weight is adjusted. Not there before the first round; see `input_importances`.
units_ : list of ndarray of shape (n_units,), int
    Indices of the surviving units, per hidden layer.
pruning_path_ : dict of ndarray
    One row a round: ``n_weights`` (left), ``predicted_loss`` (loss before the round and the sum of
    the saliencies; nan for criteria that predict none), ``pruned_loss`` (measured after removal and
    repair), ``loss`` (after retraining), ``label_loss`` (then, against y alone and without the
    penalty; nan without y) and ``epochs`` (passes over the data in retraining). One row a removed
    weight: ``removed`` (flat index in ``coefs_ + intercepts_``), ``saliency``
    (predicted increase of the loss) and ``round`` (from 1). One row a weight that an exchange
    brought back: ``regrown`` (flat index) and ``regrown_round``. Losses are means over rows of what
    pruning minimises, in nats or squared units of y: against the targets of `distillation`, with
    the penalty.
dense_coefs_ : list of ndarray of shape (fan_in, fan_out)
    Weights of the network that is imitated: the dense one, from `fit` or `from_sklearn`. Not there
    with ``distillation=0``, nor after `compact`, whose network the next `prune` imitates.
dense_intercepts_ : list of ndarray of shape (fan_out,)
    Its intercepts.
n_rounds_ : int
    Rounds of surgery, exchanges included.
loss_ : float
    Loss of the network as it is, on all training samples, as in `pruning_path_`. (`from_sklearn`
    has no samples, and keeps scikit-learn's until `prune` is called.)
n_bits_ : int
    Bits of a weight, after `quantize` alone, as the next three; `fit` drops them.
weight_scales_ : list of ndarray of shape (fan_out,)
    What a step of the whole numbers is worth in each unit: ``coefs_[l] / weight_scales_[l]`` are
    whole numbers, of 4 bits from -7 to 7.
activation_scales_ : ndarray of shape (n_hidden_layers,)
    What a step of an eight-bit activation is worth in each hidden layer: 127 steps reach the
    largest magnitude on the samples of `quantize`.
input_range_ : ndarray of shape (2, n_features)
    The least and the largest value of each feature on these samples.
n_layers_ : int
    Layers of units, inputs and outputs included.
n_outputs_ : int
    Outputs.
out_activation_ : str
    Activation of the output layer.
n_iter_ : int
    Iterations of the dense stage.
n_step_samples_ : int or None
    Samples of one step of the initial training, by which scikit-learn divides `alpha`; None for all
    that are at hand.
loss_curve_ : list of float
    Loss after each iteration of the dense stage ('sgd' and 'adam').
validation_scores_ : list of float or None
    Its scores on the rows set aside (`early_stopping`).
n_features_in_ : int
    Features seen in `fit`.
feature_names_in_ : ndarray of shape (n_features,)
    Their names, where X had names.
"""

# scikit-learn's HTML view shows these texts where an estimator has a page; the link stays where it
# is, but on the site, whose `conf.py` knows the page
PAGE = "#{estimator_name}"


def parameters_with(own: str) -> str:
    """The text of the shared parameters, with that of an estimator's own before `memory`."""
    before, memory, after = _PARAMETERS.partition("memory : ")
    return indent(before + own + memory + after, "    ").lstrip()


ATTRIBUTES = indent(_ATTRIBUTES, "    ").lstrip()
