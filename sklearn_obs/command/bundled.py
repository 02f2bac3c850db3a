"""``python -m sklearn_obs digits``: train, prune, print a table of the rounds, save the figure.

OBS is compared with magnitude pruning of the same dense network, in the same rounds and with the
same retraining.
"""

import warnings

import numpy as np
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_obs.display import PruningPathDisplay
from sklearn_obs.estimators import OBSPrunedMLPClassifier, OBSPrunedMLPRegressor

DATA = {
    "digits": datasets.load_digits,
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "iris": datasets.load_iris,
    "diabetes": datasets.load_diabetes,
}


def run(options):
    """Train, prune twice, print and draw; raise ValueError if the output folder is missing."""
    if not options.out.is_dir():
        raise ValueError(f"--out: there is no folder {str(options.out)!r}")
    regression = options.data == "diabetes"
    X, X_test, y, y_test = _scaled(options.data, options.seed, regression)
    estimator = OBSPrunedMLPRegressor if regression else OBSPrunedMLPClassifier
    metric = "R2" if regression else "accuracy"
    model = estimator(
        options.hidden,
        target_sparsity=0,
        alpha=1e-3,
        max_iter=1000,
        n_iter_no_change=20,
        random_state=options.seed,
    )
    with warnings.catch_warnings():  # the initial training need not converge
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    dense = model.to_sklearn()
    dense_score = model.score(X_test, y_test)
    print(
        f"{options.data}: {len(X)} training rows, {len(X_test)} test rows, "
        f"network {'-'.join(map(str, (X.shape[1], *options.hidden, model.n_outputs_)))}"
    )
    print(
        f"dense network: {model.n_weights_} weights, loss {model.loss_:.4f}, "
        f"{metric} {dense_score:.3f}"
    )
    paths = {}
    for name, criterion in (("OBS", "obs"), ("magnitude", "magnitude")):
        pruned = estimator.from_sklearn(dense, criterion=criterion)
        paths[name] = _path(pruned, options.sparsity, X, y, X_test, y_test)
    _print_table(paths, metric)
    _print_verdict(paths, dense_score, metric)
    _save_figure(options, paths, dense_score, metric)
    return 0


def _scaled(name, seed, regression):
    X, y = DATA[name](return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
    scaler = StandardScaler().fit(X)
    if regression:
        y_scaler = StandardScaler().fit(y[:, None])
        y, y_test = (y_scaler.transform(part[:, None]).ravel() for part in (y, y_test))
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def _path(model, sparsity, X, y, X_test, y_test):
    """Prune in rounds, and return an array with one row for each.

    A row is (sparsity, weights, predicted loss, measured loss, loss after retraining, test score).
    """
    n_dense, rows = model.n_weights_, []
    n_last = n_dense - round(sparsity * n_dense)
    while model.n_weights_ > n_last:
        n_next = max(n_last, model.n_weights_ - max(1, int(model.step * model.n_weights_)))
        model.prune(X, y, target_sparsity=1 - n_next / n_dense)
        path = model.pruning_path_
        losses = [path[name][-1] for name in ("predicted_loss", "pruned_loss", "loss")]
        rows.append((model.sparsity_, model.n_weights_, *losses, model.score(X_test, y_test)))
    return np.array(rows)


def _print_table(paths, metric):
    print()
    print("                  |                 OBS                  |          magnitude")
    print(f"sparsity  weights | predicted  measured  retrained {metric:>8} | ", end="")
    print(f"measured  retrained {metric:>8}")
    for obs, magnitude in zip(paths["OBS"], paths["magnitude"], strict=True):
        print(
            f"{obs[0]:8.1%}  {obs[1]:7.0f} | {obs[2]:9.4f} {obs[3]:9.4f} {obs[4]:10.4f} "
            f"{obs[5]:8.3f} | {magnitude[3]:8.4f} {magnitude[4]:10.4f} {magnitude[5]:8.3f}"
        )
    print()
    print("The losses are what pruning minimises, on the training rows: predicted by OBS, measured")
    print("after the removal, and after retraining. Their targets are a mixture of the outputs of")
    print(f"the dense network and the true targets. The {metric} is measured on the test rows.")


def _print_verdict(paths, dense_score, metric):
    """Print how many weights OBS has removed, and how its score compares with the others."""
    obs, magnitude = (path[-1] for path in paths.values())
    print()
    print(
        f"OBS removed {obs[0]:.0%} of the weights. On the test rows the {metric} is {obs[5]:.3f}: "
        f"{_apart(obs[5], dense_score)} that of the dense network,\n"
        f"and {_apart(obs[5], magnitude[5])} that of magnitude pruning with the same retraining."
    )


def _apart(score, other):
    """By how much a score is above or below another, as they are printed."""
    difference = round(score, 3) - round(other, 3)
    if not round(difference, 3):
        return "the same as"
    return f"{abs(difference):.3f} {'above' if difference > 0 else 'below'}"


def _save_figure(options, paths, dense_score, metric):
    axes = None
    try:
        for name, path in paths.items():
            display = PruningPathDisplay(
                sparsities=path[:, 0],
                score=path[:, 5],
                dense_score=dense_score,
                name=name,
                score_name=f"test {metric}",
            ).plot(ax=axes)
            axes = display.axes_
    except ImportError as error:
        print(f"No figure is drawn. {error}")
        return
    display.ax_.set_title(options.data)
    file = options.out / f"sklearn_obs_{options.data}.png"
    display.figure_.savefig(file, dpi=150)
    print(f"The figure is in {file}.")
