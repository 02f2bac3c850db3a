"""``python -m sklearn_obs digits``, or ``python -m sklearn_obs data.csv --target y``.

The first compares OBS with magnitude pruning on bundled data. The second trains and prunes a
network on your own data, describes the remaining network, and exports it.
"""

import argparse
import io
import os
import signal
import sys
from pathlib import Path

from sklearn_obs.command import bundled, own_data
from sklearn_obs.command.cells import SUFFIXES
from sklearn_obs.estimators.quantization import BITS
from sklearn_obs.estimators.versions import __version__
from sklearn_obs.export.c.vectors import MOST
from sklearn_obs.export.integer.inputs import INPUT_DTYPES
from sklearn_obs.export.rounding import DTYPES

BUNDLED_SPARSITY = 0.95
OF_C = ("dtype", "integer", "input_dtype", "test_vectors")
OF_A_FILE = (
    "target",
    "drop",
    "task",
    "alpha",
    "class_weight",
    "bits",
    "export",
    *OF_C,
    "overwrite",
)
INTEGER_BITS = 4  # for --integer without --bits


def main(arguments=None):
    """Run the command and return its exit status."""
    options = _options(arguments)
    try:
        if options.data in bundled.DATA:
            return bundled.run(options)
        return own_data.run(options)
    except BrokenPipeError:  # as by "| head": nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, ImportError) as error:
        return _say(str(error).splitlines()[0])


def _say(problem):
    print(f"sklearn_obs: error: {problem}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        sys.exit(_say(message))


def _options(arguments):
    parser = _Parser(
        prog="python -m sklearn_obs",
        description="Train a neural network, remove the weights that it needs least by Optimal "
        "Brain Surgeon, show the remaining network and its scores, and export it.",
    )
    parser.add_argument(
        "data",
        type=_data,
        help=f"a file with a header ({', '.join(SUFFIXES)}), or the name of bundled data: "
        f"{', '.join(bundled.DATA)}",
    )
    parser.add_argument("--version", action="version", version=f"sklearn_obs {__version__}")
    parser.add_argument(
        "--sparsity",
        type=_sparsity,
        help="share of the weights to remove, from 0 to below 1, or 'auto', which chooses it by "
        "cross-validation on the training rows "
        f"(default: auto for a file, {BUNDLED_SPARSITY} for bundled data)",
    )
    parser.add_argument(
        "--hidden",
        type=_hidden,
        default=(30,),
        help="units in each hidden layer, such as 30 or 40,20; 0 for a linear model (default: 30)",
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        help="an int >= 0 that determines the split of the rows and the initial weights "
        "(default: 0)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(),
        help="the folder for the figure, which is drawn for bundled data (default: this folder)",
    )
    own = parser.add_argument_group("with a file")
    own.add_argument("--target", help="the column to predict")
    own.add_argument(
        "--drop",
        action="append",
        default=[],
        help="a column to leave out, or several as a,b; can be given several times (default: none)",
    )
    own.add_argument(
        "--task",
        choices=("classification", "regression"),
        help="whether the target is a class or a number (default: text, and at most 20 different "
        "whole numbers, are classes)",
    )
    own.add_argument(
        "--alpha",
        type=_alpha,
        default=1e-3,
        help="penalty on large weights; try 0.1, 1 and 10 if the network overfits (default: 0.001)",
    )
    own.add_argument(
        "--class-weight",
        choices=("balanced",),
        help="'balanced' gives all classes the same total weight: rare classes are found more "
        "often, with more false alarms (default: each row has the same weight)",
    )
    own.add_argument(
        "--bits",
        type=int,
        choices=BITS,
        help="number of bits of each weight, to which the remaining weights are rounded (default: "
        f"no rounding, or {INTEGER_BITS} if C computes in whole numbers)",
    )
    own.add_argument(
        "--export",
        action="append",
        type=Path,
        default=[],
        help="a file to write: model.c, model.onnx or model.skops; can be given several times "
        "(default: none)",
    )
    own.add_argument(
        "--dtype",
        choices=(*DTYPES, "integer"),
        default="float32",
        help="type of numbers in C (default: float32)",
    )
    own.add_argument(
        "--integer",
        action="store_true",
        help="compute in whole numbers in C, for devices without a floating-point unit; a short "
        "form of the dtype integer (default: no)",
    )
    own.add_argument(
        "--input-dtype",
        choices=INPUT_DTYPES,
        help="type of the columns in C, if it computes in whole numbers (default: the narrowest "
        "type that holds all numbers of the columns)",
    )
    own.add_argument(
        "--test-vectors",
        type=_count,
        default=0,
        help="number of test rows to write into a program in C that checks the device "
        "(default: none)",
    )
    own.add_argument(
        "--overwrite", action="store_true", help="replace existing files (default: no)"
    )
    options = parser.parse_args(arguments)
    if options.sparsity is None:
        options.sparsity = BUNDLED_SPARSITY if options.data in bundled.DATA else "auto"
    if options.data in bundled.DATA:
        if options.sparsity == "auto":
            parser.error(f"--sparsity auto needs a file, but got {options.data!r}")
        for name in OF_A_FILE:
            if getattr(options, name) != parser.get_default(name):
                parser.error(f"--{_option(name)} needs a file, but got {options.data!r}")
    elif options.target is None:
        parser.error(f"--target is missing: name the column of {options.data} to predict")
    elif not {path.suffix for path in options.export} - {".onnx", ".skops"}:
        for name in OF_C:
            value = getattr(options, name)
            if value != parser.get_default(name):
                value = "" if value is True else f" {value}"
                parser.error(f"--{_option(name)}{value} needs --export of a file in C")
    if options.integer or options.dtype == "integer":
        if options.dtype not in ("float32", "integer"):
            parser.error(f"--dtype {options.dtype} and --integer: give only one of them")
        options.integer, options.dtype = True, "integer"
        options.bits = options.bits or INTEGER_BITS
    elif options.input_dtype:
        parser.error(f"--input-dtype {options.input_dtype} needs --integer")
    return options


def _option(name):
    return name.replace("_", "-")


def _data(text):
    if text in bundled.DATA or Path(text).suffix.lower() in SUFFIXES:
        return text
    raise argparse.ArgumentTypeError(
        f"got {text!r}, but expected a file whose name ends in {', '.join(SUFFIXES)}, or one of "
        f"{', '.join(bundled.DATA)}"
    )


def _sparsity(text):
    if text == "auto":
        return text
    try:
        if 0 <= float(text) < 1:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(
        f"got {text!r}, but expected 'auto' or a number from 0 to below 1, such as 0.9 for 90%"
    )


def _alpha(text):
    try:
        if 0 <= float(text) < float("inf"):
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"got {text!r}, but expected a number >= 0, such as 1")


def _hidden(text):
    if text == "0":
        return ()
    try:
        units = tuple(int(part) for part in text.split(",") if part)
        if units and min(units) >= 1:
            return units
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(
        f"got {text!r}, but expected unit counts such as 30 or 40,20, or 0"
    )


def _count(text):
    if text.isdecimal() and 0 < int(text) <= MOST:
        return int(text)
    raise argparse.ArgumentTypeError(f"got {text!r}, but expected an int from 1 to {MOST}")


def _seed(text):
    if text.isdecimal() and int(text) < 2**32:
        return int(text)
    raise argparse.ArgumentTypeError(f"got {text!r}, but expected an int in [0, 2**32)")


def _stop(*_):
    """End the command at once after Ctrl-C, so that no half-trained network is exported."""
    print("\nsklearn_obs: interrupted; nothing more is written", file=sys.stderr)
    sys.exit(130)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _stop)
    for stream in (sys.stdout, sys.stderr):  # print names that the terminal cannot encode
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main())
