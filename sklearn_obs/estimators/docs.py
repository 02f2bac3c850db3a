"""The docstrings of the parameters and attributes that both estimators share."""

from textwrap import indent

_PARAMETERS = """\
hidden_layer_sizes : array-like of shape (n_layers - 2,), default=(100,)
    Number of units in each hidden layer; ``()`` for no hidden layer.
activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
    Activation function of the hidden layers.
target_sparsity : float in [0, 1), default=0.9
    Share of the dense network's weights to remove. It is reached exactly, except that the last
    weight is always kept, and that `granularity` removes whole groups. With 0 the result is
    scikit-learn's network as one BLAS thread trains it, bit for bit, whatever else is set.
distillation : float in [0, 1], default=0.75
    How much pruning and retraining imitate the dense network instead of learning the labels again:
    this share of the targets is the dense network's outputs, and the rest is y. With 0 only y
    counts. With 1 only the outputs count, and `prune` needs no y. The outputs carry what the dense
    network has learned beyond the labels, above all how certain it is.
teacher : estimator, default=None
    Another estimator to imitate in place of the dense network, by its `predict_proba`, or `predict`
    for a regressor. A `FrozenEstimator` is used as it is. Any other is cloned and predicts out of
    fold, in each `fit` and each `prune`, with the sample weights if its `fit` takes them. It sees
    the X that `fit` sees: scaled features, if a scaler comes before in a Pipeline.
weight_decay : float >= 0 or None, default=1e-3
    Coefficient of half the squared weights in the loss that pruning and retraining minimise. None
    takes the penalty of the initial training, which is `alpha` divided by the number of samples in
    one of its steps (5e-7 with scikit-learn's defaults). In a regression it is in squared units of
    y, so scale y.
damping : float >= 0, default=0.02
    Added to the diagonal of the Hessian, as a fraction of the diagonal's mean. Small values allow
    large weight updates where the quadratic approximation may fail, and the Hessian may be
    singular; large values suppress the updates.
retrain_epochs : int or None, default=20
    The most epochs of retraining (fine-tuning) after each round. An epoch evaluates the loss and
    its gradient once for every sample. With 0 weights change only by the update of Optimal Brain
    Surgeon; with None retraining continues until it converges, for at most `max_iter` epochs.
retrain_solver : {'auto', 'newton', 'lbfgs', 'adam'}, default='auto'
    'newton' takes conjugate-gradient steps on the exact Gauss-Newton matrix of all samples, for at
    least 4 epochs in a round; while many weights remain, it usually lowers the loss more than
    'lbfgs' in as many epochs. 'lbfgs' uses all samples at once. 'adam' uses batches, with the
    `batch_size`, `beta_1`, `beta_2` and `epsilon` of the initial training, and its
    `learning_rate_init` if that used adam too, else 0.001. 'auto' is 'adam' for more than 5,000
    samples; otherwise 'newton' if at least 100 parameters remain and a round has at least 40
    epochs, else 'lbfgs'.
step : int or float, default=0.2
    Weights to remove in each round: a number, or a share in (0, 1) of the remaining weights, but at
    least one.
criterion : {'obs', 'obd', 'magnitude', 'layer_magnitude', 'movement', 'random'}, default='obs'
    Which weights are removed first. 'obs' is Optimal Brain Surgeon. 'obd', Optimal Brain Damage
    (LeCun, Denker and Solla 1989), assumes that the Hessian is diagonal. 'magnitude' removes the
    smallest weights, 'layer_magnitude' the same share in every layer. 'movement' removes weights
    that training moves towards 0 (Sanh, Wolf and Rush 2020), measured in the first half of a
    round's retraining. 'random' removes weights at random, as a baseline. All but 'obs' rank the
    weights once in each round and do not adjust the others; all have the same epochs of retraining.
structure : {'auto', 'unit', 'layer', 'full', 'low_rank', 'kronecker'}, default='auto'
    Which part of the Hessian 'obs' uses: a block for each unit (its incoming weights and its
    intercept), a block for each layer, or the full matrix. A block of n weights takes 8 n^2 bytes
    and n^3 operations. 'low_rank' represents the full matrix by its m rows, in 8 m n bytes, for m
    much smaller than n. 'kronecker' assumes that the inputs and the gradients of a layer are
    independent (K-FAC): weights are selected with blocks for each unit, and updates use the whole
    layer. 'auto' is decided in each round: 'layer' if no layer has more than 600 remaining weights,
    else 'unit'; for whole inputs and their importances always 'unit'.
curvature : {'ggn', 'fisher', 'empirical_fisher', 'hessian'}, default='ggn'
    How the Hessian is approximated. 'ggn' is the Gauss-Newton matrix of the 1992 paper. 'fisher'
    estimates it from one label for each sample, drawn from the network's probabilities: cheaper by
    the number of outputs, and noisier. 'empirical_fisher' uses the true labels instead, and
    vanishes where the fit is perfect. 'hessian' is exact, with the second derivatives that the
    paper drops; where it is not positive definite, its eigenvalues are replaced by their
    magnitudes. 'hessian' needs the structure 'layer' (which 'auto' then is) or 'full'.
n_curvature_samples : int, default=500
    Samples for the Hessian, drawn again in each round (from each class its share). All samples are
    used if there are fewer, and more than these where a block of 'unit', 'layer' or 'full' needs
    more for its rank. The rank of 'low_rank' is this number, times the outputs for 'ggn'.
prune_intercepts : bool, default=False
    Whether intercepts may be removed and count as weights. They are adjusted in any case.
max_loss_increase : float >= 0 or None, default=None
    Stop before a round that would leave the loss against y, after retraining and without the
    penalty, larger than 1 + this value times the loss at the start (of `fit`'s pruning, or of
    `prune`). That round is undone, and `sparsity_` says how far pruning got. None sets no limit.
n_swaps : int, default=0
    How many times removed weights may be exchanged for remaining ones after the target sparsity is
    reached, and the most weights in one exchange. An exchange is retrained, kept only if the loss
    is lower, and recorded as a round.
granularity : {'weight', 'unit', 'input'}, default='weight'
    What is removed at once: a weight (unstructured pruning), or a hidden unit or an input with all
    its weights (structured pruning). The group with the smallest saliency is removed first. The
    group that reaches `target_sparsity` is removed whole, and the last group of a layer is always
    kept. To remove weights inside what remains, set 'weight' and call `prune`.
input_groups : array-like of shape (n_features,), callable or None, default=None
    Which inputs are one variable, such as the one-hot columns of a category: a label for each
    input, None for an input on its own. A callable gets `feature_names_in_` and returns the labels,
    so that it works in each fold of a search, where an encoder may put out other columns. With
    ``granularity="input"`` whole variables are removed; `feature_importances_` are joint
    saliencies. See `input_groups_of`.
memory : str or joblib.Memory, default=None
    Folder in which dense networks are kept, so that a search over parameters of pruning trains each
    fold once. A network is trained again only if X, y, weights or parameters of the initial
    training differ. Only used if `random_state` is an integer; warnings of the initial training are
    not repeated.
n_jobs : int, default=None
    Workers for the blocks of 'unit', 'layer' and 'kronecker', as in joblib. They do not change the
    result.
solver : {'lbfgs', 'sgd', 'adam'}, default='adam'
    Solver of the initial training. This and all parameters below are those of scikit-learn's
    estimator, with its defaults and meaning.
alpha : float, default=0.0001
    Strength of the L2 penalty on the weights in the initial training.
batch_size : int or 'auto', default='auto'
    Samples in a mini-batch; 'auto' is ``min(200, n_samples)``.
learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
    Schedule of the learning rate of 'sgd'.
learning_rate_init : float, default=0.001
    Initial learning rate of 'sgd' and 'adam'.
power_t : float, default=0.5
    Exponent of 'invscaling'.
max_iter : int, default=200
    The most iterations of the initial training (epochs for 'sgd' and 'adam').
shuffle : bool, default=True
    Whether to shuffle the samples in each epoch.
random_state : int, RandomState instance or None, default=None
    Determines the initial weights, the batches, and the samples for the Hessian. Pass an int for
    results that can be repeated.
tol : float, default=1e-4
    Tolerance of the optimisation.
verbose : bool, default=False
    Whether to print a line for each iteration and each round. For progress bars see
    `set_callbacks`, from scikit-learn 1.9 on.
momentum : float, default=0.9
    Momentum of 'sgd'.
nesterovs_momentum : bool, default=True
    Whether to use Nesterov's momentum.
early_stopping : bool, default=False
    Whether to stop the initial training by the score on held-out samples. Pruning uses all samples.
validation_fraction : float, default=0.1
    Share of the samples that is held out for early stopping.
beta_1 : float, default=0.9
    Decay of the first moment in 'adam'.
beta_2 : float, default=0.999
    Decay of the second moment in 'adam'.
epsilon : float, default=1e-8
    Keeps 'adam' from dividing by zero.
n_iter_no_change : int, default=10
    Epochs without an improvement of `tol` after which the initial training stops.
max_fun : int, default=15000
    The most function calls of 'lbfgs' in the initial training.
"""

_ATTRIBUTES = """\
coefs_ : list of ndarray of shape (fan_in, fan_out)
    Weights of each layer, exactly 0 where removed.
intercepts_ : list of ndarray of shape (fan_out,)
    Intercepts of each layer.
masks_ : list of ndarray of shape (fan_in, fan_out), bool
    True where a weight remains. A remaining weight may be 0.
intercept_masks_ : list of ndarray of shape (fan_out,), bool
    True where an intercept remains.
sparsity_ : float
    Share of the prunable weights that has been removed.
n_weights_ : int
    Number of prunable weights that remain.
n_dead_weights_ : int
    Number of remaining weights that have no effect on the output. They are 0, and the next round
    removes them first.
inputs_ : ndarray of shape (n_inputs_read,), int
    Indices of the inputs that are still read.
feature_importances_ : ndarray of shape (n_features,)
    Joint saliency of each input: by how much the loss would rise if all its weights were removed
    and the others adjusted, by the Hessian of the network as it is; exactly 0 for an input that is
    not read. With `input_groups` each input has the importance of its variable. For criteria other
    than 'obs' the other weights are not adjusted. Not set before the first round; see
    `input_importances`.
units_ : list of ndarray of shape (n_units,), int
    Indices of the remaining units of each hidden layer.
pruning_path_ : dict of ndarray
    An entry for each round: ``n_weights`` (remaining), ``predicted_loss`` (loss before the round
    plus the sum of the saliencies; nan if one of them is not predicted, which criteria other than
    obs and obd do only for weights that have no effect), ``pruned_loss`` (measured
    after the removal and the weight update), ``loss`` (after retraining), ``label_loss`` (the same
    against y alone and without the penalty; nan without y) and ``epochs`` (of retraining). An entry
    for each removed weight: ``removed`` (flat index in ``coefs_ + intercepts_``), ``saliency``
    (predicted increase of the loss) and ``round`` (from 1). An entry for each weight that an
    exchange has brought back: ``regrown`` (flat index) and ``regrown_round``. Losses are means over
    samples of what pruning minimises, in nats or squared units of y: against the targets of
    `distillation`, with the penalty.
dense_coefs_ : list of ndarray of shape (fan_in, fan_out)
    Weights of the network that is imitated: the dense one, from `fit` or `from_sklearn`. Not set
    with ``distillation=0``, nor after `compact`, whose own network the next `prune` imitates.
dense_intercepts_ : list of ndarray of shape (fan_out,)
    Intercepts of the same network.
n_rounds_ : int
    Number of pruning rounds, exchanges included.
loss_ : float
    Loss of the network as it is, on all training samples, as in `pruning_path_`. (`from_sklearn`
    has no samples, and keeps scikit-learn's until `prune` is called.)
n_bits_ : int
    Bits of a weight. This and the next three are set by `quantize`, and `fit` drops them.
weight_scales_ : list of ndarray of shape (fan_out,)
    Scale of each unit's weights: ``coefs_[l] / weight_scales_[l]`` are whole numbers, for 4 bits
    from -7 to 7.
activation_scales_ : ndarray of shape (n_hidden_layers,)
    Scale of eight-bit activations in each hidden layer: 127 times this is the largest magnitude on
    the samples of `quantize`.
input_range_ : ndarray of shape (2, n_features)
    The smallest and the largest value of each feature in these samples.
n_layers_ : int
    Number of layers of units, inputs and outputs included.
n_outputs_ : int
    Number of outputs.
out_activation_ : str
    Activation of the output layer.
n_iter_ : int
    Iterations of the initial training.
n_step_samples_ : int or None
    Samples in one step of the initial training, by which scikit-learn divides `alpha`; None for all
    of them.
loss_curve_ : list of float
    Loss after each iteration of the initial training ('sgd' and 'adam').
validation_scores_ : list of float or None
    Scores of the initial training on held-out samples (`early_stopping`).
n_features_in_ : int
    Features seen in `fit`.
feature_names_in_ : ndarray of shape (n_features,)
    Names of the features, where X had names.
"""

# scikit-learn's HTML view shows these texts only for estimators with a documentation link. This one
# stays on the page that shows the view; `docs/conf.py` replaces it by a link to the API page
PAGE = "#{estimator_name}"


def parameters_with(own: str) -> str:
    """The docstring of the shared parameters, with `own` ones inserted before `memory`."""
    before, memory, after = _PARAMETERS.partition("memory : ")
    return indent(before + own + memory + after, "    ").lstrip()


ATTRIBUTES = indent(_ATTRIBUTES, "    ").lstrip()
