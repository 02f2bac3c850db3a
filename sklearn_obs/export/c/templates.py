"""C99 code of all networks and of float ones, with ``$name`` for `string.Template` to fill in."""

from string import Template

HEADER = Template("""\
$facts
#ifndef $guard
#define $guard

/* Where constants are kept, and how they are read there: define all of these for other memories. */
#ifndef SKLEARN_OBS_ROM
#ifdef __AVR__
#include <avr/pgmspace.h>
#define SKLEARN_OBS_ROM PROGMEM
#define SKLEARN_OBS_FLOAT(p) pgm_read_float(p)
#define SKLEARN_OBS_8(p) pgm_read_byte(p)
#define SKLEARN_OBS_16(p) pgm_read_word(p)
#define SKLEARN_OBS_32(p) pgm_read_dword(p)
#else
#define SKLEARN_OBS_ROM
#define SKLEARN_OBS_FLOAT(p) (*(p))
#define SKLEARN_OBS_8(p) (*(p))
#define SKLEARN_OBS_16(p) (*(p))
#define SKLEARN_OBS_32(p) (*(p))
#endif
#endif

$includes#ifdef __cplusplus
extern "C" {
#endif

#define ${upper}_N_FEATURES $n_features
#define ${upper}_N_OUTPUTS $n_outputs
$macros
$prototypes
#ifdef __cplusplus
}
#endif

#endif
""")

SOURCE = Template("""\
#include "$header"
$preamble
$constants$code""")

FLOATS = """\
#include <math.h>
#include <stdint.h>

#if (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || defined(_M_FP_FAST)
#error "x is checked to be finite: compile without -ffast-math, or add -fno-finite-math-only"
#endif

#if defined(__AVR__) && defined(__SIZEOF_DOUBLE__) && __SIZEOF_DOUBLE__ > 4
#error "constants are read as numbers of four bytes: compile without -mdouble=64"
#endif
"""

LINEAR = Template("""
/* The output layer before its activation into z; returns $returns, or -1. */
static int ${name}_linear(const $input *x, $value *z)
{
$variables

    for (j = 0; j < $n_features; j++) {
        if (!(x[j] - x[j] == 0)) return -1; /* not finite */
$scaling    }
$layers$result
}
""")

DENSE = Template("""\
    for (j = 0; j < $units; j++) {
        $real sum = $start;
        int k;
        for (k = 0; k < $fan_in; k++) sum += $weight * $inputs[k];
$finish        $into[j] = $value;
    }
""")

ROWS = Template("""\
    for (j = 0; j < $units; j++) {
        $real sum = $start;
        int k = $count;
        while (k--) sum += $weight * $inputs[$column];
$finish        $into[j] = $value;
    }
""")

CONSTANT = Template("""\
    for (j = 0; j < $units; j++) {
        $real sum = $start;
$finish        $into[j] = $value;
    }
""")

PHI = {
    "identity": "sum",
    "relu": "sum < 0 ? 0 : sum",
    "logistic": "1 / (1 + $exp(-sum))",
    "tanh": "$tanh(sum)",
}

RESULT = {  # kind -> (what it is, code)
    "classes": (
        "the index of the largest",
        """\
    for (j = 1; j < $n_outputs; j++)
        if (z[j] > z[best]) best = j;
    return best;""",
    ),
    "binary": ("whether it is positive", "    return z[0] > 0;"),
    "one class": ("0", "    return 0;"),
    "labels": ("0", "    return 0;"),
    "values": ("0", "    return 0;"),
}

PREDICT = {  # kind -> (what it does, prototype, body)
    "classes": (
        "Returns the index of the likeliest class, or -1.",
        "int ${name}_predict(const $input *x)",
        """\
    $value z[$n_outputs];
    return ${name}_linear(x, z);
""",
    ),
    "labels": (
        "Sets y[j] to 1 where label j is likelier than not, else to 0; returns 0, or -1.",
        "int ${name}_predict(const $input *x, unsigned char *y)",
        """\
    $value z[$n_outputs];
    int j;
    if (${name}_linear(x, z)) return -1;
    for (j = 0; j < $n_outputs; j++) y[j] = z[j] > 0;
    return 0;
""",
    ),
    "values": (
        "Predicts into y; returns 0, or -1.",
        "int ${name}_predict(const $input *x, $value *y)",
        """\
    return ${name}_linear(x, y);
""",
    ),
}
PREDICT["binary"] = PREDICT["classes"]
PREDICT["exponentials"] = (
    *PREDICT["values"][:2],
    """\
    int j;
    if (${name}_linear(x, y)) return -1;
    for (j = 0; j < $n_outputs; j++) y[j] = $exp(y[j]);
    return 0;
""",
)

PROBA = {
    "classes": """\
    $real top, sum = 0;
    int j, best = ${name}_linear(x, p);
    if (best < 0) return -1;
    top = p[best];
    for (j = 0; j < $n_outputs; j++) sum += p[j] = $exp(p[j] - top);
    for (j = 0; j < $n_outputs; j++) p[j] /= sum;
    return 0;
""",
    "binary": """\
    if (${name}_linear(x, p) < 0) return -1;
    p[1] = 1 / (1 + $exp(-p[0]));
    p[0] = 1 - p[1];
    return 0;
""",
    "labels": """\
    int j;
    if (${name}_linear(x, p)) return -1;
    for (j = 0; j < $n_outputs; j++) p[j] = 1 / (1 + $exp(-p[j]));
    return 0;
""",
}
