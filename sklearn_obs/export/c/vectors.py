"""Test vectors: a C program that runs an exported model on samples and compares its outputs.

On a computer it prints how many agree and returns how many do not. On an AVR with the registers of
an ATmega328P it sends the same line to the first serial port, which the simulator simavr prints.
"""

from shlex import quote
from string import Template

import numpy as np

from sklearn_obs.export.c.source import Code
from sklearn_obs.export.c.text import c_type, numbers, read_at
from sklearn_obs.export.folding import Folded

TOLERANCE = 1e-4  # for a regression, relative or absolute: above the rounding of float32 sums

PROGRAM = Template("""\
/* Samples for $name and what it is to predict for them. Made by sklearn_obs.
 *
 * gcc -std=c99 $file $source -lm -o test && ./test
 * avr-gcc -std=gnu99 -Os -mmcu=atmega328p $file $source -lm -o test.elf
 * simavr -m atmega328p -f 16000000 test.elf
 */
#include "$header"
#include <math.h>
#include <stdint.h>

#define N $n
static const $input inputs[N][${upper}_N_FEATURES] SKLEARN_OBS_ROM = {
$inputs
};
static const $result expected[N][$n_results] SKLEARN_OBS_ROM = {
$expected
};

#if defined(__AVR__) && defined(UDR0)
#include <avr/interrupt.h>
#include <avr/sleep.h>
static void say(const char *text)
{
    UCSR0B |= 1 << TXEN0;
    while (*text) {
        while (!(UCSR0A & (1 << UDRE0))) {}
        UDR0 = (uint8_t)*text++;
    }
}
static void stop(void) { cli(); sleep_enable(); sleep_cpu(); }
#elif defined(__AVR__)
#define say(text) (void)(text)
#define stop() (void)0
#else
#include <stdio.h>
#define say(text) fputs(text, stdout)
#define stop() (void)0
#endif

int main(void)
{
    static $input x[${upper}_N_FEATURES];
    char line[] = "?? of $n_digits test vectors agree\\n";
    int i, j, n_right = 0;
    for (i = 0; i < N; i++) {
        int right;
        for (j = 0; j < ${upper}_N_FEATURES; j++) x[j] = $read;
        {
$compare
        }
        n_right += right;
    }
    line[0] = n_right < 10 ? ' ' : (char)('0' + n_right / 10);
    line[1] = (char)('0' + n_right % 10);
    say(line);
    stop();
    return N - n_right;
}
""")

COMPARE = {
    "classes": "            right = ${name}_predict(x) == (int)SKLEARN_OBS_16(&expected[i][0]);",
    "labels": """\
            unsigned char y[$n_results];
            right = !${name}_predict(x, y);
            for (j = 0; j < $n_results; j++) right &= y[j] == SKLEARN_OBS_16(&expected[i][j]);""",
    "values": """\
            $value y[$n_results];
            right = !${name}_predict(x, y);
            for (j = 0; j < $n_results; j++) {
                double is = y[j], must = SKLEARN_OBS_FLOAT(&expected[i][j]);
                right &= fabs(is - must) <= $tolerance * (1 + fabs(must));
            }""",
    "whole values": """\
            int32_t y[$n_results];
            right = !${name}_predict(x, y);
            for (j = 0; j < $n_results; j++)
                right &= y[j] == (int32_t)SKLEARN_OBS_32(&expected[i][j]);""",
}
COMPARE["binary"] = COMPARE["classes"]
MOST = 99


def program_text(net: Folded, device, code: Code, X, n: int, files: dict) -> str:
    """The text of a program that tests a model on `n` of the samples X, each class among them.

    Raises
    ------
    ValueError
        If there are fewer samples.
    """
    X = device.samples(net, X)
    if len(X) < n:
        raise ValueError(
            f"Got test_vectors={n}, but test_data has {len(X)} rows. Pass more, or ask for fewer."
        )
    X = X[_chosen(net, device.predict(net, X), n)]
    kind, results = _results(net, device, X)
    files |= {key: quote(files[key]) for key in ("file", "source")}  # for a shell
    words = code.words | files | {"n": n, "n_digits": n, "n_results": results.shape[1]}
    words |= {"result": c_type(results.dtype), "tolerance": TOLERANCE}
    return PROGRAM.substitute(
        words,
        inputs=_rows(X),
        expected=_rows(results),
        read=read_at(X, "&inputs[i][j]"),
        compare=Template(COMPARE[kind]).substitute(words),
    )


def _chosen(net, predicted, n):
    """Indices of n samples: one of each predicted class, the others evenly spaced."""
    first = []
    if net.kind in ("classes", "binary"):
        first = sorted(np.unique(predicted, return_index=True)[1].tolist())[:n]
    rest = np.setdiff1d(np.arange(len(predicted)), first)
    evenly = rest[np.linspace(0, len(rest) - 1, n - len(first)).astype(int)] if len(rest) else []
    return np.sort(np.concatenate([first, evenly]).astype(int))


def _results(net, device, X):
    """(key of `COMPARE`, expected outputs of the device, (n_samples, n_results))."""
    if net.kind == "values":
        y = device.values(net, X)
        return "whole values" if y.dtype.kind == "i" else "values", y.reshape(len(X), -1)
    predicted = device.predict(net, X)
    if net.kind in ("classes", "binary"):
        predicted = np.searchsorted(np.asarray(net.classes), predicted)
    return net.kind, predicted.reshape(len(X), -1).astype(np.uint16)


def _rows(values):
    return ",\n".join("{" + numbers(row) + "}" for row in values)
