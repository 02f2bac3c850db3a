"""What a classifier takes on three processors: bytes, memory and cycles, beside its accuracy.

    pip install emlearn          # optional: a general converter, for comparison
    apt-get install gcc-avr avr-libc simavr gcc-arm-none-eabi libnewlib-arm-none-eabi
    python examples/benchmarks/devices.py [--seeds 5] [--n-jobs 2] [--figure FILE]

"digits" are 64 columns of uint8, and "sensors" 21 columns of int16 that the script makes: a machine
in five states, by its vibration along three axes. A quarter of the samples are for testing. A
network has 32 hidden units and the library's defaults, but for ``max_iter``.

Each program is compiled with -Os and linked: "flash" is what it adds to the same firmware with a
predict that does nothing, libraries included; "RAM" likewise, without the stack. "x86-64" are the
bytes of predict and its constants in the object file. "stack" and "cycles" of a prediction are
measured on an ATmega328P by simavr; what needs more than its RAM has no figures. Accuracies are
those of the compiled program on all test samples; "difference" is from the float32 network of the
same sparsity, paired by seed, with its standard error. Means over seeds.
"""

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import warnings
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from sklearn_obs import OBSPrunedMLPClassifier
from sklearn_obs.export import export_c

LEVELS = (0.8, 0.9, 0.95)
BITS = (8, 4, 3, 2)
SMALL = (2, 4, 8, 16)  # hidden units of dense networks
N_ON_AVR = 5  # samples that simavr predicts
AS_GOOD = 0.002  # accuracy: the standard errors of the differences are up to so much
LARGEST = 2048  # bytes of RAM of an ATmega328P
SECTIONS = ["-Os", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"]
AVR = ["avr-gcc", "-std=gnu99", "-mmcu=atmega328p", *SECTIONS]
ARM = ["arm-none-eabi-gcc", "-std=c99", "-mcpu=cortex-m0plus", "-mthumb", *SECTIONS]
ARM += ["--specs=nano.specs", "--specs=nosys.specs"]

FIRMWARE = """\
#include "model.h"
static volatile {type} input[{n}];
static volatile int output;
int main(void)
{{
    {type} x[{n}];
    int j;
    for (;;) {{
        for (j = 0; j < {n}; j++) x[j] = input[j];
        output = {call};
    }}
}}
"""
READER = """\
#include <stdio.h>
#include "model.h"
int main(void)
{{
    {type} x[{n}];
    while (fread(x, sizeof x, 1, stdin) == 1) printf("%d\\n", {call});
    return 0;
}}
"""
METER = """\
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>
#include <string.h>
#include "model.h"
extern uint8_t __heap_start;
static const {type} samples[{rows}][{n}] PROGMEM = {{ {values} }};
static {type} x[{n}];
static void put(char c)
{{
    while (!(UCSR0A & (1 << UDRE0))) {{}}
    UDR0 = c;
}}
static void say(uint32_t number)
{{
    char digits[10];
    int8_t k = 0;
    do digits[k++] = (char)('0' + number % 10); while (number /= 10);
    while (k) put(digits[--k]);
    put(' ');
}}
static uint16_t used_stack(void) /* beyond that of main */
{{
    const uint8_t *p = &__heap_start;
    while (p < (const uint8_t *)SP && *p == 0xa5) p++;
    return (uint16_t)((const uint8_t *)SP - p);
}}
static __attribute__((noinline)) uint16_t timed(int *label)
{{
    TCNT1 = 0;
    *label = {call};
    return TCNT1;
}}
int main(void)
{{
    uint8_t *p;
    uint8_t i;
    UCSR0B |= 1 << TXEN0;
    TCCR1B = 3; /* a step every 64 cycles */
    for (p = &__heap_start; p < (uint8_t *)SP - 8; p++) *p = 0xa5;
    put('=');
    for (i = 0; i < {rows}; i++) {{
        int label;
        uint16_t steps;
        memcpy_P(x, samples[i], sizeof x);
        steps = timed(&label);
        say((uint32_t)label);
        say(steps);
    }}
    say(used_stack());
    put('\\n');
    cli(); sleep_enable(); sleep_cpu();
}}
"""
NOTHING = '#include "model.h"\nint model_predict(const {type} *x) {{ return x != 0; }}\n'
BY_HAND = """\
#include "model.h"
static const int8_t weights[{classes}][{n}] SKLEARN_OBS_ROM = {{ {weights} }};
static const int32_t intercepts[{classes}] SKLEARN_OBS_ROM = {{ {intercepts} }};
int model_predict(const {type} *x)
{{
    int32_t top = 0;
    int j, k, best = 0;
    for (j = 0; j < {classes}; j++) {{
        int32_t sum = (int32_t)SKLEARN_OBS_32(&intercepts[j]);
        for (k = 0; k < {n}; k++)
            sum += (int32_t)(int8_t)SKLEARN_OBS_8(&weights[j][k]) * x[k];
        if (j == 0 || sum > top) {{ top = sum; best = j; }}
    }}
    return best;
}}
"""
ROM = """\
#include <stdint.h>
#ifdef __AVR__
#include <avr/pgmspace.h>
#define SKLEARN_OBS_ROM PROGMEM
#define SKLEARN_OBS_8(p) pgm_read_byte(p)
#define SKLEARN_OBS_32(p) pgm_read_dword(p)
#else
#define SKLEARN_OBS_ROM
#define SKLEARN_OBS_8(p) (*(p))
#define SKLEARN_OBS_32(p) (*(p))
#endif
"""


@dataclass
class Table:
    """Samples in the numbers of the device, and how networks are to see them."""

    name: str
    X: np.ndarray
    y: np.ndarray
    dtype: str
    scaler: object


def digits():
    X, y = load_digits(return_X_y=True)
    return Table("digits", X, y, "uint8", MaxAbsScaler().fit(np.full((1, 64), 16.0)))


def sensors(n_samples=4000, n=128):
    """Windows of `n` measurements of a machine's vibration along three axes, in ten bits, and its
    state: sound, unbalanced, misaligned, loose, or with a worn bearing. Columns are, for each axis,
    the mean, the standard deviation, the largest magnitude, and four bands of its spectrum."""
    rng = np.random.default_rng(0)
    y, time = rng.integers(0, 5, n_samples), np.arange(n) / n
    rows = []
    for state in y:
        turns = rng.uniform(5, 9)  # in a window
        load = rng.uniform(0.3, 3)
        once, twice, noise, ringing = {
            0: (0.4, 0.2, 0.5, 0.1),
            1: (1.2, 0.2, 0.5, 0.1),
            2: (0.5, 0.9, 0.5, 0.1),
            3: (0.6, 0.5, 1.0, 0.2),
            4: (0.4, 0.2, 0.6, 0.7),
        }[state]
        columns = []
        for axis in range(3):
            strength = rng.lognormal(0, 0.1, 4) * load * (1.0, 0.8, 0.5)[axis]
            phase = rng.uniform(0, 2 * np.pi, 3)
            signal = strength[0] * once * np.sin(2 * np.pi * turns * time + phase[0])
            signal += strength[1] * twice * np.sin(4 * np.pi * turns * time + phase[1])
            bursts = np.sin(2 * np.pi * 3.6 * turns * time + phase[2]) > 0.9
            signal += strength[2] * ringing * bursts * np.sin(2 * np.pi * 45 * time)
            signal += strength[3] * noise * rng.normal(size=n)
            counts = np.clip(np.rint(50 * signal + (0, 0, 250)[axis]), -512, 511)
            bands = np.abs(np.fft.rfft(counts - counts.mean()))
            bounds = pairwise((1, 10, 20, 40, 65))
            columns += [counts.mean(), counts.std(), np.abs(counts).max()]
            columns += [bands[a:b].max() for a, b in bounds]
        rows.append(np.rint(columns))
    return Table("sensors", np.array(rows), y, "int16", StandardScaler())


def ran(command, folder=None, data=None):
    done = subprocess.run(command, cwd=folder, input=data, capture_output=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return done.stdout.decode() + done.stderr.decode()


def sections(program, folder):
    """(flash, RAM) of a linked program."""
    text, data, bss, *_ = ran(["size", program], folder).splitlines()[1].split()
    return np.array([int(text) + int(data), int(data) + int(bss)])


def linked(compiler, folder, words, model="model.c"):
    (folder / "firmware.c").write_text(FIRMWARE.format(**words))
    files = ["-I", ".", *words["include"], "firmware.c", model, "-lm", "-o", "firmware.elf"]
    ran([*compiler, *files], folder)
    return sections("firmware.elf", folder)


def measured(folder, table, X_test, y_test, type_, include=()):
    """What the model.c and model.h of a folder are and do."""
    n = X_test.shape[1]
    words = {"type": type_, "n": n, "call": "model_predict(x)", "include": list(include)}
    X_test = X_test.astype({"float": "float32"}.get(type_) or type_.removesuffix("_t"))
    found = {}
    (folder / "nothing.c").write_text(NOTHING.format(**words))
    for name, compiler in (("AVR", AVR), ("M0+", ARM)):
        try:
            added = linked(compiler, folder, words) - linked(compiler, folder, words, "nothing.c")
        except RuntimeError as error:  # more RAM than there is
            if "not within region" not in str(error):
                raise
            continue
        found[f"{name} flash"], found[f"{name} RAM"] = added.tolist()
    (folder / "reader.c").write_text(READER.format(**words))
    files = ["-I", ".", *include, "model.c"]
    ran(["gcc", "-std=c99", "-Os", *files, "reader.c", "-lm", "-o", "reader"], folder)
    labels = np.array(ran(["./reader"], folder, X_test.tobytes()).split(), int)
    found["accuracy"] = float(np.mean(labels == y_test))
    ran(["gcc", "-std=c99", "-Os", "-ffunction-sections", *files, "-c", "-o", "model.o"], folder)
    lines = re.findall(
        r"^(\.text|\.rodata)(\S*)\s+(\d+)", ran(["size", "-A", "model.o"], folder), re.M
    )
    found["x86-64"] = sum(int(size) for _, name, size in lines if "proba" not in name)
    if found.get("AVR RAM", LARGEST) < LARGEST - 256:
        found |= on_avr(folder, X_test[:: len(X_test) // N_ON_AVR][:N_ON_AVR], labels, words)
    return found


def on_avr(folder, rows, labels, words):
    values = ", ".join("{" + ", ".join(f"{x:g}" for x in row) + "}" for row in rows)
    (folder / "meter.c").write_text(METER.format(**words, rows=len(rows), values=values))
    ran(
        [*AVR, "-I", ".", *words["include"], "meter.c", "model.c", "-lm", "-o", "meter.elf"], folder
    )
    said = ran(["simavr", "-m", "atmega328p", "-f", "16000000", "meter.elf"], folder)
    *pairs, stack = map(int, re.search(r"=((?:\d+ )+)", said)[1].split())
    agree = labels[:: len(labels) // N_ON_AVR][:N_ON_AVR] == pairs[::2]
    if not agree.all():
        raise RuntimeError(f"the AVR predicts other labels: {pairs[::2]}")
    return {"cycles": 64 * np.mean(pairs[1::2]), "stack": stack}


def exported(model, folder, table, data, **numbers):
    """Of our own networks."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    export_c(model, folder / "model.c", **numbers)
    type_ = f"{table.dtype}_t" if numbers["dtype"] == "integer" else "float"
    return measured(folder, table, *data, type_)


def by_hand(model, folder, table, data):
    """Logistic regression with weights of eight bits on the columns as they come."""
    scale, shift = model[0].scale_, getattr(model[0], "mean_", 0)
    W = model[1].coef_ / scale
    b = model[1].intercept_ - W @ (shift * np.ones(W.shape[1]))
    step = np.abs(W).max() / 127
    rows = (", ".join(map(str, row)) for row in np.rint(W / step).astype(int))
    words = {"classes": len(W), "n": W.shape[1], "type": f"{table.dtype}_t"}
    words |= {"weights": ", ".join(f"{{{row}}}" for row in rows)}
    words |= {"intercepts": ", ".join(map(str, np.rint(b / step).astype(int)))}
    folder.mkdir(exist_ok=True)
    (folder / "model.c").write_text(BY_HAND.format(**words))
    prototype = f"int model_predict(const {words['type']} *x);\n"
    (folder / "model.h").write_text(ROM + prototype)
    return measured(folder, table, *data, words["type"])


def of_emlearn(model, folder, table, data, type_):
    """A network or trees of scikit-learn's; networks get columns that are scaled already."""
    with np.errstate():  # which it changes
        import emlearn

    folder.mkdir(exist_ok=True)
    options = {} if type_ == "float" else {"dtype": type_}
    with contextlib.chdir(folder):  # where it leaves files
        emlearn.convert(model, method="inline", **options).save(file="other.h", name="other")
    call = f"other_predict(x, {data[0].shape[1]})"
    prototype = f"#include <stdint.h>\nint model_predict(const {type_} *x);\n"
    (folder / "model.h").write_text(prototype)
    source = '#include "model.h"\n#include "other.h"\n'
    source += f"int model_predict(const {type_} *x) {{ return {call}; }}\n"
    (folder / "model.c").write_text(source)
    return measured(folder, table, *data, type_, ["-I", emlearn.includedir])


def one_seed(table, seed):
    """{what: figures} of all models of a table."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "float32 rounds")
        folder = Path(tempfile.mkdtemp())
        try:
            return dict(of_seed(table, seed, folder / "model"))
        finally:
            shutil.rmtree(folder)


def of_seed(table, seed, folder):
    X, X_test, y, y_test = train_test_split(table.X, table.y, random_state=seed)
    data, scaler = (X_test, y_test), deepcopy(table.scaler)
    if table.name != "digits":
        scaler.fit(X)
    S = scaler.transform(X)
    device = {"dtype": "integer", "input_dtype": table.dtype}

    def network(hidden):
        net = OBSPrunedMLPClassifier((hidden,), target_sparsity=0, max_iter=500, random_state=seed)
        return net.fit(S, y)

    net = network(32)
    for level in (0, *LEVELS):
        if level:
            net.prune(S, y, target_sparsity=level)
        model = make_pipeline(scaler, net)
        share = f"{level:.0%}"
        yield ("float32", share), exported(model, folder, table, data, dtype="float32")
        yield ("int8 storage", share), exported(model, folder, table, data, dtype="int8")
        for bits in BITS if level else BITS[:1]:
            model = make_pipeline(scaler, deepcopy(net).quantize(S, y, bits=bits))
            yield (f"integer, {bits} bits", share), exported(model, folder, table, data, **device)
    for hidden in SMALL:
        model = make_pipeline(scaler, network(hidden).quantize(S, y, bits=8))
        what = f"dense, {hidden} units, integer, 8 bits"
        yield (what, ""), exported(model, folder, table, data, **device)
    linear = make_pipeline(scaler, LogisticRegression(max_iter=2000).fit(S, y))
    yield ("logistic regression by hand, int8", ""), by_hand(linear, folder, table, data)
    if find_spec("emlearn") is None:
        return
    dense = MLPClassifier((32,), max_iter=500, random_state=seed).fit(S, y)
    scaled = (scaler.transform(X_test), y_test)
    yield ("emlearn network, float", "0%"), of_emlearn(dense, folder, table, scaled, "float")
    halves = X + 0.5  # emlearn cuts the halves of thresholds between whole numbers off
    for n_leaves in (20, 100):
        tree = DecisionTreeClassifier(max_leaf_nodes=n_leaves, random_state=seed).fit(halves, y)
        yield (
            (f"emlearn tree, {n_leaves} leaves", ""),
            of_emlearn(tree, folder, table, data, "int16_t"),
        )
    for n_trees in (5, 20):
        forest = RandomForestClassifier(n_trees, max_leaf_nodes=50, random_state=seed).fit(
            halves, y
        )
        what = f"emlearn forest, {n_trees} trees of 50 leaves"
        yield (what, ""), of_emlearn(forest, folder, table, data, "int16_t")


FIGURES = ("x86-64", "AVR flash", "AVR RAM", "stack", "cycles", "M0+ flash", "M0+ RAM")


def summed_up(seeds):
    """{what: {figure: mean}}, with the paired difference from float32 and its standard error."""
    means = {}
    for what in seeds[0]:
        rows = [seed[what] for seed in seeds]
        of = {name: [row.get(name, np.nan) for row in rows] for name in (*FIGURES, "accuracy")}
        means[what] = {name: float(np.mean(values)) for name, values in of.items()}
        base = ("float32", what[1])
        if base in seeds[0] and what != base:
            apart = np.array(of["accuracy"]) - [seed[base]["accuracy"] for seed in seeds]
            means[what]["difference"] = float(apart.mean())
            means[what]["error"] = float(apart.std(ddof=1) / len(apart) ** 0.5)
    return means


def printed(name, means):
    print(f"\n{name}\n")
    print(
        "| model | removed | accuracy | difference | x86-64 | AVR flash | RAM | stack | cycles "
        "| M0+ flash | RAM |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for (model, share), row in means.items():
        apart = f"{row['difference']:+.4f} ± {row['error']:.4f}" if "error" in row else ""
        cells = [f"{row[key]:,.0f}" if np.isfinite(row[key]) else "-" for key in FIGURES]
        print(f"| {model} | {share} | {row['accuracy']:.4f} | {apart} | {' | '.join(cells)} |")


def chosen(tables):
    """What to choose for 1, 4 and 16 kB of an AVR's flash: the smallest that is as good as any."""
    print(f"\nthe smallest that is within {AS_GOOD} of the best that fits\n")
    print("| flash of an ATmega328P | table | model | accuracy | best | bytes | cycles |")
    print("|---|---|---|---|---|---|---|")
    for kilobytes in (1, 4, 16):
        for name, means in tables.items():
            fits = {
                what: row
                for what, row in means.items()
                if row["AVR flash"] <= 1024 * kilobytes and np.isfinite(row["cycles"])
            }
            best = max(row["accuracy"] for row in fits.values())
            good = [what for what in fits if fits[what]["accuracy"] >= best - AS_GOOD]
            what = min(good, key=lambda key: fits[key]["AVR flash"])
            row, text = fits[what], what[0] + (f", {what[1]} removed" if what[1] else "")
            cells = f"{best:.4f} | {row['AVR flash']:,.0f} | {row['cycles']:,.0f}"
            print(f"| {kilobytes} kB | {name} | {text} | {row['accuracy']:.4f} | {cells} |")


def drawn(tables, path):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(tables), figsize=(10, 4.6), layout="constrained")
    for axis, (name, means) in zip(axes, tables.items(), strict=True):
        series = {}
        for (model, _), row in means.items():
            label = model
            if model.startswith("dense"):
                label = "small dense networks, 8 bits"
            elif model.startswith("emlearn"):
                label = "emlearn: " + ("network" if "network" in model else "trees, forests")
            elif model.startswith("logistic"):
                label = "logistic regression, int8"
            elif model.startswith("integer"):
                label = f"pruned, {model.split()[1]} bits, integers"
            elif model == "float32":
                label = "pruned, float32"
            else:
                continue
            if "3 bits" not in label and np.isfinite(row["cycles"]):
                series.setdefault(label, []).append((row["AVR flash"], row["accuracy"]))
        for label, points in series.items():
            style = "o-" if label.startswith("pruned") else "s" if "emlearn" in label else "^"
            axis.plot(*zip(*sorted(points), strict=True), style, label=label, markersize=5)
        axis.set_xscale("log")
        axis.set_xticks([1024, 2048, 4096, 8192, 16384], ["1 kB", "2 kB", "4 kB", "8 kB", "16 kB"])
        axis.minorticks_off()
        top = max(row["accuracy"] for row in means.values())
        axis.set(title=name, xlabel="flash of an ATmega328P", ylabel="test accuracy")
        axis.set_ylim(top - 0.15, top + 0.01)
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--figure", help="file to draw accuracy against bytes to")
    parser.add_argument("--records", type=Path, help="file to keep all figures in, as JSON")
    options = parser.parse_args()
    jobs = [(table, seed) for table in (digits(), sensors()) for seed in range(options.seeds)]
    found = Parallel(options.n_jobs)(delayed(one_seed)(table, seed) for table, seed in jobs)
    seeds = {}
    for (table, _), figures in zip(jobs, found, strict=True):
        seeds.setdefault(table.name, []).append(figures)
    tables = {name: summed_up(of) for name, of in seeds.items()}
    if options.records:
        flat = {
            name: [{"/".join(k): v for k, v in f.items()} for f in of] for name, of in seeds.items()
        }
        options.records.write_text(json.dumps(flat))
    print(f"mean of {options.seeds} seeds")
    for name, means in tables.items():
        printed(name, means)
    chosen(tables)
    if options.figure:
        drawn(tables, options.figure)


if __name__ == "__main__":
    main()
