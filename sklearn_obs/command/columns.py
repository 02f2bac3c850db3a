"""The columns that a network reads, and the importance of each on the test rows."""

from sklearn.inspection import permutation_importance

from sklearn_obs.command.model import pipeline_of
from sklearn_obs.command.report import MANY, listed, short

BAR = 24  # characters
MOST_ROWS, MOST_TIMES, MOST_COLUMNS = 1000, 5, 500  # most that are shuffled


def columns_read(model, table, scores, seed):
    """Yield lines that list the columns the network reads, most important first, and the others."""
    *_, net = pipeline = pipeline_of(model)
    origins = _origins(pipeline[0], table)
    used = {origins[k] for k in net.inputs_}
    read = [name for name in table.columns if name in used]
    yield f"It reads {len(read)} of {len(table.columns)} columns" + (":" if read else ".")
    if not read:
        return
    if len(read) > MOST_COLUMNS:
        yield f"  {listed(read)}"
        return
    worth = dict(zip(table.columns, _worth(model, scores, seed), strict=True))
    read.sort(key=lambda name: -worth[name][0])
    longest, most = max(map(len, read[:MANY])), max(worth[read[0]][0], 1e-12)
    for name in read[:MANY]:
        mean, spread = worth[name]
        bar = "#" * max(0, round(BAR * mean / most))
        yield f"  {name.ljust(longest)}  {short(mean):>9} ± {short(spread):<8} {bar}".rstrip()
    if len(read) > MANY:
        yield f"  and {len(read) - MANY} more"
    what = "log loss" if table.classification else "error"
    yield f"The numbers say how much the {what} grows if the column is shuffled in the test rows,"
    yield "± one standard deviation. A number that is not clearly above 0 is noise."
    if rest := [name for name in table.columns if name not in set(read)]:
        yield f"It does not read {listed(rest)}."


def _origins(first, table):
    """The column that each input of the network comes from, by the Pipeline's first step."""
    if not table.text:
        return list(table.columns)
    words = first.transformers_[0][1].categories_
    encoded = [name for name, values in zip(table.text, words, strict=True) for _ in values]
    return encoded + [name for name in table.columns if name not in table.words]


def _worth(model, scores, seed):
    """For each column, (mean, standard deviation) of the loss that shuffling it adds."""

    found = permutation_importance(
        model,
        scores.X,
        scores.y,
        scoring=scores.minus_loss if scores.table.classification else "neg_root_mean_squared_error",
        n_repeats=max(1, min(MOST_TIMES, MOST_COLUMNS // scores.X.shape[1])),
        max_samples=min(MOST_ROWS, len(scores.y)),
        random_state=seed,
    )
    return zip(found.importances_mean, found.importances_std, strict=True)
