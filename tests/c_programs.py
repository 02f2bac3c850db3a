"""Exported C compiled and run: rows in, what it returns, writes and predicts out."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

CC = shutil.which("gcc") or shutil.which("cc")
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Os"]
needs_c = pytest.mark.skipif(CC is None, reason="needs a C compiler")
AVR_GCC, SIMAVR = shutil.which("avr-gcc"), shutil.which("simavr")
needs_avr = pytest.mark.skipif(
    not (AVR_GCC and SIMAVR), reason="needs avr-gcc, avr-libc and simavr"
)
needs_cpp = pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")

MAIN = """\
#include <stdio.h>
#include "{name}.h"
int main(void)
{{
    {real} x[{upper}_N_FEATURES];
    while (fread(x, sizeof x, 1, stdin) == 1) {{
        {value} p[{upper}_N_OUTPUTS] = {{0}};
        double row[2 * {upper}_N_OUTPUTS + 2] = {{0}};
        int j;
        {calls}
        for (j = 0; j < {upper}_N_OUTPUTS; j++) row[2 + {upper}_N_OUTPUTS + j] = p[j];
        fwrite(row, sizeof row, 1, stdout);
    }}
    return 0;
}}
"""
CALLS = {
    "index": "row[0] = {name}_predict(x); row[1] = {name}_predict_proba(x, p);",
    "labels": """unsigned char y[{upper}_N_OUTPUTS] = {{0}};
        row[0] = {name}_predict(x, y); row[1] = {name}_predict_proba(x, p);
        for (j = 0; j < {upper}_N_OUTPUTS; j++) row[2 + j] = y[j];""",
    "values": "row[0] = {name}_predict(x, p);",
}


DTYPES = {"float": "float32", "double": "float64"}


def compiled(source, calls="index", real="float", flags=FLAGS, value=None, compiler=CC):
    """The program for an exported source of columns of type `real`, that puts out `value`s."""
    source = Path(source)
    words = {"name": source.stem, "upper": source.stem.upper(), "real": real}
    words["value"] = value or real
    main, program = source.with_name("main.c"), source.with_suffix("")
    main.write_text(MAIN.format(**words, calls=CALLS[calls].format(**words)))
    command = [compiler, *flags, "-I", source.parent, source, main, "-o", program, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


def outputs(program, X, real="float"):
    """(what predict returns, what predict_proba returns, label sets, p), a row for each of X."""
    X = np.asarray(X, DTYPES.get(real) or real.removesuffix("_t"))
    done = subprocess.run([program], input=X.tobytes(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    rows = np.frombuffer(done.stdout).reshape(len(X), -1)
    n = rows.shape[1] // 2 - 1
    return rows[:, 0].astype(int), rows[:, 1].astype(int), rows[:, 2 : 2 + n], rows[:, 2 + n :]


def program_of(written, tmp_path, command=(CC, *FLAGS)):
    """What the program of the test vectors prints, and what it returns."""
    program = tmp_path / "vectors"
    files = [written.test, written.source]
    done = subprocess.run([*command, *files, "-lm", "-o", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ran = subprocess.run([program], capture_output=True, text=True, timeout=60)
    return ran.stdout, ran.returncode


def said_on_an_avr(written, tmp_path):
    """What the same says in simavr; no constant of the model is in RAM."""
    compiler = [AVR_GCC, "-std=gnu99", "-Os", "-Wall", "-Wextra", "-Werror", "-mmcu=atmega328p"]
    subprocess.run([*compiler, "-c", written.source, "-o", tmp_path / "net.o"], check=True)
    sizes = subprocess.run(["avr-size", tmp_path / "net.o"], capture_output=True, text=True)
    _, data, bss, *_ = sizes.stdout.splitlines()[1].split()
    assert (data, bss) == ("0", "0")  # what is not in flash would be there
    files = [written.test, written.source]
    subprocess.run([*compiler, *files, "-lm", "-o", tmp_path / "net.elf"], check=True)
    simulator = [SIMAVR, "-m", "atmega328p", "-f", "16000000", tmp_path / "net.elf"]
    ran = subprocess.run(simulator, capture_output=True, text=True, timeout=60)
    (line,) = re.findall(r"[ \d]\d of [ \d]?\d test vectors agree", ran.stdout + ran.stderr)
    return line
