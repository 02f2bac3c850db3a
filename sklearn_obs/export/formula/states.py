"""Variables, their states, and all combinations of states.

A variable is a one-hot group of columns, at most one of which is 1, or a column with few values.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_obs.estimators.variables import checked_labels

MOST_INPUTS = 12
MOST_VALUES = 12  # different values of a single column
MOST_COMBINATIONS = 5_000  # 12 binary inputs have 4,096 combinations
NONE = "none"  # name of the value of a one-hot group in which no column is 1


@dataclass(frozen=True)
class Variable:
    """A variable in the conditions of rules."""

    name: str
    columns: list[int]  # indices of its columns in X that are read
    states: list[tuple[str, ...]]  # names of the values in each state, which have the same effect
    values: np.ndarray  # (n_states, n_columns), values of the columns in each state

    def states_of(self, X: np.ndarray) -> np.ndarray:
        """The index of the state of each sample, of shape (n,), or -1 if it is in none of them."""
        same = (X[:, self.columns][:, None, :] == self.values[None]).all(axis=2)
        return np.where(same.any(axis=1), same.argmax(axis=1), -1)


def variables_of(read: np.ndarray, X: np.ndarray, names: list[str], groups: Any) -> list[Variable]:
    """Find the variables of the columns that are read.

    Parameters
    ----------
    read : ndarray of int
        Indices of the columns that the network reads.
    X : ndarray of shape (n, n_features)
        Samples, which show the values that columns can have.
    names : list of str
        Names of all columns.
    groups : array-like of shape (n_features,) or None
        A label for each column; columns with the same label are one-hot.

    Raises
    ------
    ValueError
        If there are too many inputs, values or combinations, or the groups do not fit X.
    """
    if len(read) > MOST_INPUTS:
        raise ValueError(
            f"Got a network that reads {len(read)} inputs, but rules are for at most "
            f"{MOST_INPUTS}. Prune further, or use export_text."
        )
    labels = checked_labels(groups, len(names), np.array(names, object))
    variables = []
    for label in dict.fromkeys(labels[j] for j in read):
        members = [j for j, each in enumerate(labels) if label is not None and each == label]
        if len(members) > 1:
            variables.append(_one_hot(str(label), members, set(read.tolist()), X, names))
        else:
            single = [j for j in read if labels[j] is None] if label is None else members
            variables += [_of_values(j, X, names) for j in single]
    n = math.prod(len(variable.states) for variable in variables)
    if n > MOST_COMBINATIONS:
        raise ValueError(
            f"Got inputs with {n:,} combinations of values, but rules are for at most "
            f"{MOST_COMBINATIONS:,}. Prune further, or pass one-hot columns in input_groups."
        )
    return variables


def combinations(variables: list[Variable]) -> np.ndarray:
    """All combinations of states: (n, n_variables) indices of states, in lexicographic order."""
    ranges = [range(len(variable.states)) for variable in variables]
    every = list(itertools.product(*ranges))
    return np.array(every, int).reshape(len(every), len(variables))


def _one_hot(label, members, read, X, names):
    values = X[:, members]
    sums = values.sum(axis=1)
    if not (np.isin(values, (0, 1)).all() and (sums <= 1).all()):
        raise ValueError(
            f"Got input_groups with the group {label!r} of {len(members)} columns, but expected "
            "one-hot columns: they contain only 0 and 1, and at most one of them is 1 in a sample."
        )
    kept = [j for j in members if j in read]
    others = tuple(_value(names[j], label) for j in members if j not in read)
    states = [(_value(names[j], label),) for j in kept]
    rows = list(np.eye(len(kept)))
    if (sums == 0).any():
        others = (*others, NONE)
    if others:
        states.append(others)
        rows.append(np.zeros(len(kept)))
    return Variable(label, kept, states, np.array(rows))


def _of_values(j, X, names):
    values = np.unique(X[:, j])
    if len(values) > MOST_VALUES:
        raise ValueError(
            f"Got the input {names[j]!r} with {len(values)} different values, but rules are for "
            f"inputs of at most {MOST_VALUES}. Use export_text."
        )
    states = [(f"{value:.15g}",) for value in values]
    return Variable(names[j], [j], states, values[:, None])


def _value(name, label):
    """The name of a column without the label of its group."""
    return name.removeprefix(label).lstrip(" _=:.") or name
