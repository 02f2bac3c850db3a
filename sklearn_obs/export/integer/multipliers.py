"""A positive factor as a mantissa of eleven bits and a shift, both in one number of sixteen bits.

A sum of int32 is multiplied by a real factor M with one integer multiplication and one shift::

    x M -> floor(x mantissa / 2^shift)          M ~= mantissa 2^-shift,  mantissa < 2^11

With eleven bits, the relative error of M is at most 2^-11. If |x| < 2^19, the product is below
2^30.

References
----------
Jacob, B. et al. (2018). Quantization and training of neural networks for efficient
integer-arithmetic-only inference. IEEE Conference on Computer Vision and Pattern Recognition.
"""

import numpy as np

MANTISSA_BITS = 11
SHIFT_BITS = 5
LARGEST_FACTOR = 2**MANTISSA_BITS - 1
LARGEST_SHIFT = 2**SHIFT_BITS - 1
LARGEST_TIMES = 2 ** (30 - MANTISSA_BITS) - 1  # largest number that may be multiplied


def codes(factors: np.ndarray) -> np.ndarray:
    """The codes of factors >= 0, as uint16. Factors of 2^11 and more become 2^11 - 1."""
    fractions, exponents = np.frexp(np.minimum(factors, LARGEST_FACTOR))
    mantissas = np.rint(np.ldexp(fractions, MANTISSA_BITS)).astype(np.int64)
    carried = mantissas > LARGEST_FACTOR
    mantissas, shifts = mantissas >> carried, MANTISSA_BITS - exponents - carried
    tiny = shifts > LARGEST_SHIFT  # these lose bits, but the product is almost 0 anyway
    mantissas = np.where(tiny, np.rint(np.ldexp(factors, LARGEST_SHIFT)).astype(int), mantissas)
    shifts = np.clip(shifts, 0, LARGEST_SHIFT)
    return (mantissas << SHIFT_BITS | shifts).astype(np.uint16)


def times(x: np.ndarray, code: np.ndarray) -> np.ndarray:
    """The products, rounded down, of whole numbers |x| < 2^19 and the factors of these codes."""
    code = code.astype(np.int64)
    return x * (code >> SHIFT_BITS) >> (code & LARGEST_SHIFT)


def values(code: np.ndarray) -> np.ndarray:
    """The factors that these codes stand for."""
    code = code.astype(np.int64)
    return np.ldexp((code >> SHIFT_BITS).astype(float), -(code & LARGEST_SHIFT))
