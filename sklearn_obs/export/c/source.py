"""The source of an exported model: functions, and constants stored in the order of their use.

There is one array for each use and type of numbers, and a pointer runs through it. All arrays are
in one struct, those with the widest numbers first, so that there is no padding.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from string import Template

import numpy as np

from sklearn_obs.export.c.templates import SOURCE
from sklearn_obs.export.c.text import c_type, numbers


@dataclass
class Streams:
    """Named arrays of constants, in the order in which the code reads them."""

    parts: dict = field(default_factory=dict)

    def add(self, name, values):
        """Append values to the array of that name, and return the name."""
        self.parts.setdefault(name, []).append(values)
        return name

    def arrays(self):
        """All arrays by name, those with the widest numbers first, so that there is no padding."""
        joined = {name: np.concatenate(parts) for name, parts in self.parts.items()}
        return dict(sorted(joined.items(), key=lambda item: -item[1].itemsize))


@dataclass(frozen=True)
class Code:
    """The parts of the C code of one model."""

    words: dict[str, object]  # values for the templates
    arrays: dict[str, np.ndarray]  # the constants
    preamble: str  # includes, and checks of the compiler
    functions: str
    prototypes: list[str]  # each with a comment
    facts: list[str]  # about the outputs, for the header
    macros: str = ""  # of the header
    includes: str = ""  # of the header


def words_of(net, name):
    """Values for the templates of a model with this name, whatever its type of numbers."""
    upper, outputs, features = name.upper(), net.n_outputs, net.n_features
    return {"name": name, "upper": upper, "n_outputs": outputs, "n_features": features}


def public_functions(functions: Iterable[tuple[str, str, str]], words: dict):
    """(code, commented prototypes) of functions given as (what it does, prototype, body)."""
    code, prototypes = "", []
    for what, prototype, body in functions:
        prototype, body = (Template(text).substitute(words) for text in (prototype, body))
        prototypes.append(f"/* {what} */\n{prototype};\n")
        code += f"\n{prototype}\n{{\n{body}}}\n"
    return code, prototypes


def pointers(arrays, name):
    """C declarations of a pointer to each array, with which it is read."""
    return [
        f"const {c_type(array.dtype)} *{array_name} = {name}_model.{array_name};"
        for array_name, array in arrays.items()
    ]


def source_text(code: Code, header: str) -> str:
    """The text of the .c file; `header` is the file name of the header."""
    constants = _constants(code.words["name"], code.arrays)
    return SOURCE.substitute(
        header=header, preamble=code.preamble, constants=constants, code=code.functions
    )


def _constants(name, arrays):
    """The C struct that holds all arrays."""
    if not arrays:
        return ""
    fields = "".join(f"    {c_type(a.dtype)} {name}[{a.size}];\n" for name, a in arrays.items())
    values = ",\n".join("{\n" + numbers(a) + "}" for a in arrays.values())
    return f"static const struct {{\n{fields}}} {name}_model SKLEARN_OBS_ROM = {{\n{values}\n}};\n"
