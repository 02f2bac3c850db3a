"""``python -m sklearn_obs data.csv --target y``: from a file to a pruned network in a file."""

from pathlib import Path

import numpy as np

from sklearn_obs.command.columns import columns_read
from sklearn_obs.command.exports import check_export, export, input_dtype, suggestion
from sklearn_obs.command.model import (
    baselines,
    cross_validated,
    dense_model,
    fitted,
    parts,
    split,
)
from sklearn_obs.command.progress import progress
from sklearn_obs.command.report import chosen, network, notes, room, say, summary
from sklearn_obs.command.scores import Scores
from sklearn_obs.command.table import read_table
from sklearn_obs.export import integer_predict


def run(options):
    """Read, train, prune, report and export; raise ValueError or OSError with one clear line."""
    table = read_table(options.data, options.target, options.drop, options.task)
    outputs: list[Path] = []
    for path in options.export:
        for output in check_export(path, table, options):
            if output in outputs:
                raise ValueError(f"--export {path} is given twice, or would replace {output}")
            outputs.append(output)
    in_c = input_dtype(table, options)
    if options.class_weight and not table.classification:
        raise ValueError(f"--class-weight needs classes, but {options.target} is a number")
    X, X_test, y, y_test = split(table, options.seed)
    if options.test_vectors > len(X_test):
        raise ValueError(
            f"--test-vectors {options.test_vectors}: there are only {len(X_test)} test rows"
        )
    if table.classification and np.unique(y).size == 1:
        raise ValueError(
            f"all {len(y)} training rows of {options.data} have {options.target} = {y[0]}, because "
            "the other classes are too rare: add rows of these classes, or give another --seed"
        )
    for name in table.gaps:
        if np.isnan(X[name]).all():
            raise ValueError(
                f"column {name!r} has no number in the {len(X)} training rows: use --drop {name}"
            )
    say(summary(options, table, len(X), len(X_test)))
    for note in notes(table, options.target):
        say(f"note: {note}")
    print()
    scores = Scores(table, y, X_test, y_test, options.class_weight)
    for name, model in baselines(table, X, y, options.class_weight).items():
        scores.add(name, model)
    model, search, sparsity = dense_model(table, options), None, options.sparsity
    if sparsity == "auto":
        with progress("Choosing how many weights to remove") as seen:
            search = cross_validated(model, X, y, options.class_weight, verbose=seen)
        sparsity = search.sparsity_
    with progress("Training the network on all training rows, and pruning it"):
        net, rows, targets = parts(fitted(model, X, y), X, y)
        scores.add("network before pruning", model)
        stopped = net.n_iter_ == net.max_iter
        net.prune(rows, targets, target_sparsity=sparsity)
        net.set_params(target_sparsity=sparsity)
        scores.add("network after pruning", model)
        if options.bits:
            net.quantize(rows, targets, bits=options.bits)
            scores.add(f"with weights of {options.bits} bits", model)
        if options.integer:
            on_device = integer_predict(model, X_test, input_dtype=in_c)
            scores.add("in whole numbers, as in C", model, on_device)
    say(network(net, options.hidden, stopped, table))
    say(chosen(search, sparsity))
    print()
    for line in scores.lines():
        print(line)
    print()
    for sentence in scores.verdict(model, chosen=search is not None, target=options.target):
        say(sentence)
    print()
    for line in columns_read(model, table, scores, options.seed):
        print(line)
    print()
    say(room(model, options.dtype, in_c))
    print()
    for path in options.export:
        for line in export(model, path, table, (X_test, y_test), options, in_c):
            print(line)
    if not options.export:
        say(suggestion(table))
    return 0
