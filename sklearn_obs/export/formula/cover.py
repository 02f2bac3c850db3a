"""Cover a set of combinations of states exactly, by few short conjunctions of conditions.

A *cube* has a set of allowed states for each variable, and is the conjunction of these conditions.
Each combination to be covered is enlarged to cubes that cannot be enlarged further (prime
implicants), once for each variable as the first one to be enlarged. Then the largest cubes are
chosen first, and cubes that the others cover are dropped.

References
----------
Brayton, R. K., Hachtel, G. D., McMullen, C. T. and Sangiovanni-Vincentelli, A. L. (1984). Logic
minimization algorithms for VLSI synthesis. Kluwer.
"""

import numpy as np

Cube = tuple[frozenset[int], ...]


def cover(all_combinations: np.ndarray, wanted: np.ndarray, n_states: list[int]) -> list[Cube]:
    """Find cubes whose union is the set of `wanted` combinations, the largest cubes first.

    Parameters
    ----------
    all_combinations : ndarray of shape (n, n_variables), int
        Every combination, in lexicographic order.
    wanted : ndarray of shape (n,), bool
    n_states : list of int
    """
    truth = wanted.reshape(n_states)  # lexicographic
    primes: dict[Cube, np.ndarray] = {}
    left = wanted.copy()
    for index in np.flatnonzero(wanted):
        if not left[index]:
            continue
        for start in range(max(len(n_states), 1)):  # one cube if there are no variables
            cube = _grown(all_combinations[index], truth, start)
            primes.setdefault(cube, _inside(cube, all_combinations))
            left &= ~primes[cube]
    return _chosen(primes, wanted)


def _grown(combination, truth, start):
    """Enlarge a combination to a cube in which `truth` holds everywhere, from variable `start`."""
    cube = [{int(state)} for state in combination]
    n = len(cube)
    for axis in [(start + k) % n for k in range(n)]:
        for state in range(truth.shape[axis]):
            if state in cube[axis]:
                continue
            added = [sorted(states) for states in cube]
            added[axis] = [state]
            if truth[np.ix_(*added)].all():
                cube[axis].add(state)
    return tuple(map(frozenset, cube))


def _inside(cube, combinations):
    inside = np.ones(len(combinations), bool)
    for axis, states in enumerate(cube):
        inside &= np.isin(combinations[:, axis], list(states))
    return inside


def _chosen(primes, wanted):
    chosen, left = [], wanted.copy()
    while left.any():
        best = max(primes, key=lambda cube: ((primes[cube] & left).sum(), primes[cube].sum()))
        chosen.append(best)
        left &= ~primes[best]
    for cube in reversed(list(chosen)):
        rest = [primes[other] for other in chosen if other != cube]
        if rest and (np.logical_or.reduce(rest) >= wanted).all():
            chosen.remove(cube)
    return sorted(chosen, key=lambda cube: -primes[cube].sum())
