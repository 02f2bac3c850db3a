"""Test vectors: a program that feeds an exported model samples and compares what it says.

On a computer it prints how many agree and returns how many do not. On an AVR the same line leaves
by the first serial port, which simavr prints.
"""

from string import Template

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from sklearn_obs.export.c.text import numbers
from sklearn_obs.export.folding import Folded
from sklearn_obs.network import Network

TOLERANCE = 1e-4  # of a regression, relative or absolute: some sums of float32 beyond its rounding

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
static const $real inputs[N][${upper}_N_FEATURES] SKLEARN_OBS_ROM = {
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
        UDR0 = *text++;
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
    static $real x[${upper}_N_FEATURES];
    char line[] = "?? of $n_digits test vectors agree\\n";
    int i, j, n_right = 0;
    for (i = 0; i < N; i++) {
        int right;
        for (j = 0; j < ${upper}_N_FEATURES; j++) x[j] = SKLEARN_OBS_FLOAT(&inputs[i][j]);
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
            $real y[$n_results];
            right = !${name}_predict(x, y);
            for (j = 0; j < $n_results; j++) {
                double is = y[j], must = SKLEARN_OBS_FLOAT(&expected[i][j]);
                right &= fabs(is - must) <= $tolerance * (1 + fabs(must));
            }""",
}
COMPARE["binary"] = COMPARE["classes"]
MOST = 99


def program_text(net: Folded, network: Network, X, n: int, words: dict, files: dict) -> str:
    """The program for `n` of the samples X, evenly drawn, and the network in the device's numbers.

    Raises
    ------
    ValueError
        If there are not as many samples.
    """
    X = check_array(X, accept_sparse="csr", dtype=network.dtype)
    X = X.toarray() if issparse(X) else X
    if len(X) < n:
        raise ValueError(
            f"Got test_vectors={n}, but test_data has {len(X)} rows. Pass more, or ask for fewer."
        )
    X = X[np.linspace(0, len(X) - 1, n).astype(int)]
    predicted = np.asarray(net.predict(network, X))
    if net.kind in ("classes", "binary"):
        predicted = np.searchsorted(np.asarray(net.classes), predicted)
    kind, whole = net.kind, net.kind != "values"
    results = predicted.reshape(n, -1).astype(np.uint16 if whole else network.dtype)
    words = words | files | {"n": n, "n_digits": n, "n_results": results.shape[1]}
    words |= {"result": "uint16_t" if whole else words["real"], "tolerance": TOLERANCE}
    return PROGRAM.substitute(
        words,
        inputs=_rows(X),
        expected=_rows(results),
        compare=Template(COMPARE[kind]).substitute(words),
    )


def _rows(values):
    return ",\n".join("{" + numbers(row) + "}" for row in values)
