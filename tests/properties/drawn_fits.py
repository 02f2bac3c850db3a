"""Made-up data and parameters of every kind, for hypothesis to draw from.

Networks are tiny, so that an example takes milliseconds. Constants that only large networks reach
(how much of a block's path is computed, how many weights are chosen among) are drawn as well, as
`Sizes`, so that the code behind them runs.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest import mock

import numpy as np
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn import config_context

from sklearn_obs import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor
from sklearn_obs.curvature import FACTORED, KINDS, STRUCTURES
from sklearn_obs.elimination import blocks, greedy
from sklearn_obs.pruning import CRITERIA, feasibility
from sklearn_obs.retraining import solvers

TARGETS = ("binary", "classes", "names", "label sets", "one output", "two outputs", "constant")
COLUMNS = ("normal", "zero", "constant", "double", "binary", "rare", "large")


@dataclass(frozen=True)
class Data:
    """Samples as arguments of `fit`, made from a few words."""

    targets: str  # of `TARGETS`
    columns: tuple[str, ...]  # of `COLUMNS`
    n_samples: int
    seed: int
    learnable: bool = True  # whether the targets have to do with X
    weights: str = "none"  # or 'some zero', 'any', 'one number'
    dtype: type = np.float64
    sparse: bool = False

    @property
    def is_regression(self):
        """Whether the targets are numbers."""
        return self.targets in ("one output", "two outputs", "constant")

    @property
    def estimator(self):
        """The class for such targets."""
        return OBSPrunedMLPRegressor if self.is_regression else OBSPrunedMLPClassifier

    def dense_X(self):
        """X as an ndarray."""
        rng = np.random.default_rng(self.seed)
        made = []
        for kind in self.columns:
            column = rng.normal(size=self.n_samples)
            if kind == "zero":
                column[:] = 0
            elif kind == "constant":
                column[:] = 1.5
            elif kind == "double" and made:
                column = made[-1].copy()
            elif kind == "binary":
                column = (column > 0).astype(float)
            elif kind == "rare":
                column[rng.permutation(self.n_samples)[:-2]] = 0
            elif kind == "large":
                column *= 30
            made.append(column)
        return np.stack(made, axis=1).astype(self.dtype)

    @property
    def X(self):
        """As it is handed to `fit`."""
        X = self.dense_X()
        return csr_array(X) if self.sparse else X

    @property
    def y(self):
        """The targets."""
        rng = np.random.default_rng([self.seed, 1])
        X = self.dense_X().astype(np.float64)
        scores = np.tanh(X @ rng.normal(size=(X.shape[1], 3))) + 0.3 * rng.normal(size=(len(X), 3))
        if not self.learnable:
            scores = rng.normal(size=scores.shape)
        if self.targets == "binary":
            return (scores[:, 0] > 0).astype(int)
        if self.targets == "classes":
            return scores.argmax(axis=1)
        if self.targets == "names":
            return np.array(["red", "green", "blue"])[scores.argmax(axis=1)]
        if self.targets == "label sets":
            return (scores > 0.2).astype(int)
        if self.targets == "constant":
            return np.full(len(X), 2.0)
        return scores[:, 0] if self.targets == "one output" else scores[:, :2]

    @property
    def sample_weight(self):
        """Weights of the samples, or None."""
        rng = np.random.default_rng([self.seed, 2])
        if self.weights == "none":
            return None
        if self.weights == "one number":
            return 2.0
        weight = rng.uniform(0.1, 3, size=self.n_samples)
        if self.weights == "some zero":
            weight[rng.random(self.n_samples) < 0.3] = 0
        return weight

    @property
    def used_weights(self):
        """Those of the samples that count, one each; or None."""
        weight = self.sample_weight
        if weight is None:
            return None
        return np.broadcast_to(weight, self.n_samples)[self.used]

    @property
    def used(self):
        """The numbers of the samples that count."""
        if self.weights in ("none", "one number"):
            return np.arange(self.n_samples)
        return np.flatnonzero(self.sample_weight)


@dataclass(frozen=True)
class Sizes:
    """Where the code for large networks begins, and how much memory a batch may take."""

    ahead: float = blocks.AHEAD
    margin: int = blocks.MARGIN
    held: int = blocks.HELD
    panel: int = greedy.PANEL
    candidates: int = greedy.CANDIDATES
    layer_size: int = feasibility.LAYER_SIZE
    model_size: int = feasibility.MODEL_SIZE
    newton_weights: int = solvers.NEWTON_WEIGHTS
    newton_epochs: int = solvers.NEWTON_EPOCHS
    working_memory: int = 1024

    @contextmanager
    def in_force(self):
        """A context in which the library has these constants."""
        constants = {
            (blocks, "AHEAD"): self.ahead,
            (blocks, "MARGIN"): self.margin,
            (blocks, "HELD"): self.held,
            (greedy, "PANEL"): self.panel,
            (greedy, "CANDIDATES"): self.candidates,
            (feasibility, "LAYER_SIZE"): self.layer_size,
            (feasibility, "MODEL_SIZE"): self.model_size,
            (solvers, "NEWTON_WEIGHTS"): self.newton_weights,
            (solvers, "NEWTON_EPOCHS"): self.newton_epochs,
        }
        patches = [mock.patch.object(*where, value) for where, value in constants.items()]
        with config_context(working_memory=self.working_memory):
            for patch in patches:
                patch.start()
            try:
                yield
            finally:
                for patch in patches:
                    patch.stop()


LARGE = Sizes()
SMALL = Sizes(
    ahead=0.3,
    margin=1,
    held=0,
    panel=3,
    candidates=5,
    layer_size=8,
    model_size=0,
    newton_weights=5,
    newton_epochs=4,
    working_memory=0,
)


@dataclass(frozen=True)
class Case:
    """A fit: the data, the parameters, the sizes."""

    data: Data
    parameters: dict = field(hash=False)
    sizes: Sizes = LARGE

    def estimator(self, **others):
        """The estimator, not fitted."""
        return self.data.estimator(**{**self.parameters, **others})


@st.composite
def data(draw, like=None):
    """Samples; `like` others, that is, with as many columns and the same kind of targets."""
    if like is None:
        columns = tuple(draw(st.lists(st.sampled_from(COLUMNS), min_size=2, max_size=6)))
        targets, dtype = draw(st.sampled_from(TARGETS)), draw(_mostly(np.float64, np.float32))
        sparse = draw(_mostly(False, True))
    else:
        n = len(like.columns)
        columns = tuple(draw(st.lists(st.sampled_from(COLUMNS), min_size=n, max_size=n)))
        targets, dtype, sparse = like.targets, like.dtype, like.sparse
    return Data(
        targets=targets,
        columns=columns,
        n_samples=draw(st.integers(20, 60)),
        seed=draw(st.integers(0, 999)),
        learnable=draw(_mostly(True, False)),
        weights=draw(st.sampled_from(["none", "some zero", "any", "none", "any", "one number"])),
        dtype=dtype,
        sparse=sparse,
    )


def _mostly(usual, *others):
    return st.sampled_from([usual] * (3 * len(others)) + list(others))


sparsities = st.one_of(
    st.sampled_from([0.9, 0.5, 0.3, 0.75, 0.97, 0.999, 0.0]), st.floats(0.05, 0.999)
)

INITIAL_TRAINING = {
    "hidden_layer_sizes": st.sampled_from([(4,), (), (1,), (2,), (6,), (3, 2), (2, 4), (5, 3)]),
    "activation": st.sampled_from(["relu", "tanh", "logistic", "identity"]),
    "solver": st.sampled_from(["lbfgs", "adam", "sgd"]),
    "alpha": st.sampled_from([1e-4, 0, 0.01, 1.0]),
    "batch_size": _mostly("auto", 7, 1000),
    "learning_rate": _mostly("constant", "invscaling", "adaptive"),
    "learning_rate_init": st.sampled_from([0.001, 0.01, 0.1]),
    "max_iter": st.integers(1, 15),
    "early_stopping": _mostly(False, True),
    "validation_fraction": st.sampled_from([0.2, 0.1, 0.4]),
    "n_iter_no_change": _mostly(10, 2),
    "shuffle": _mostly(True, False),
    "tol": _mostly(1e-4, 0.1),
    "random_state": st.integers(0, 99),
}


PRUNING = (
    "target_sparsity",
    "distillation",
    "weight_decay",
    "criterion",
    "granularity",
    "structure",
    "curvature",
    "damping",
    "step",
    "retrain_epochs",
    "retrain_solver",
    "n_swaps",
    "prune_intercepts",
    "max_loss_increase",
    "n_curvature_samples",
    "n_jobs",
)


@st.composite
def pruning_parameters(draw):
    """Parameters of pruning: most often such as go together."""
    fits = draw(st.integers(0, 9)) < 9
    p = {
        "target_sparsity": draw(sparsities),
        "distillation": draw(st.sampled_from([0.75, 0, 1, 0.5])),
        "weight_decay": draw(st.sampled_from([1e-3, None, 0, 0.1])),
        "criterion": draw(st.sampled_from(["obs"] * len(CRITERIA) + list(CRITERIA))),
        "granularity": draw(_mostly("weight", "unit", "input")),
        "structure": draw(st.sampled_from(["auto", *STRUCTURES])),
        "curvature": draw(st.sampled_from(list(KINDS))),
        "damping": draw(st.sampled_from([0.02, 0.02, 0, 1e-6, 1.0, 1e3])),
        "step": draw(st.sampled_from([0.5, 0.1, 0.3, 0.999, 3, 7, 20, 1000, 1])),
        "retrain_epochs": draw(st.sampled_from([2, 0, 1, 3, 4, 5, 6, None])),
        "retrain_solver": draw(st.sampled_from(["auto", "lbfgs", "newton", "adam"])),
        "n_swaps": draw(_mostly(0, 1, 2)),
        "prune_intercepts": draw(st.booleans()),
        "max_loss_increase": draw(_mostly(None, 0, 0.1, 3.0)),
        "n_curvature_samples": draw(_mostly(5000, 1, 5, 20)),
        "n_jobs": draw(_mostly(None, 2)),
    }
    if not fits:
        return p
    if p["granularity"] != "weight":
        p["n_swaps"], p["target_sparsity"] = 0, 0.6 * p["target_sparsity"]
        if p["criterion"] == "layer_magnitude":
            p["criterion"] = "magnitude"
    structure = STRUCTURES.get(p["structure"])
    if structure is not None and p["curvature"] not in structure.kinds:
        p["curvature"] = "ggn"
    if p["criterion"] == "obd" and p["curvature"] not in FACTORED:
        p["curvature"] = "ggn"
    if p["retrain_epochs"] is not None:
        newton = p["retrain_solver"] == "newton"
        if p["criterion"] == "movement":
            p["retrain_epochs"] += 8 if newton else 2
        elif newton and p["retrain_epochs"]:
            p["retrain_epochs"] += 4
    return p


@st.composite
def cases(draw):
    """A fit of any kind."""
    drawn = draw(data())
    n = len(drawn.columns)
    initial = {name: draw(strategy) for name, strategy in INITIAL_TRAINING.items()}
    if drawn.targets == "names":  # scikit-learn 1.7.0 cannot score words in early stopping
        initial["early_stopping"] = False
    sizes = draw(st.sampled_from([LARGE, SMALL]))
    labels = st.lists(st.sampled_from([None, "a", "b", 3]), min_size=n, max_size=n)
    initial["input_groups"] = draw(st.one_of(st.none(), st.none(), labels))
    return Case(drawn, {**initial, **draw(pruning_parameters())}, sizes)
