"""C99 code of networks in whole numbers, with ``$name`` for `string.Template` to fill in."""

from string import Template

INTEGERS = """\
#include <stdint.h>

#if (-3 >> 1) != -2
#error "negative numbers are shifted as everywhere but here: the sign has to stay"
#endif
"""
FLOAT_INPUTS = """
#if (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || defined(_M_FP_FAST)
#error "x is checked to be finite: compile without -ffast-math, or add -fno-finite-math-only"
#endif
"""
PROBA_INCLUDES = Template("""
#ifdef ${upper}_PROBA
#include <math.h>
#endif
""")

LINEAR = Template("""
/* The output layer before its activation into z; returns $returns$or_not. */
static int ${name}_linear(const $input *x, int32_t *z)
{
$variables

$inputs$layers$result
}
""")

FINITE = Template("""\
    for (j = 0; j < $n_features; j++)
        if (!(x[j] - x[j] == 0)) return -1; /* not finite */
""")

ROUNDED = Template("""\
    for (j = 0; j < $n; j++) {
        float v = x[$source];
        v -= $offset;
        v *= $factor;
        v = v < -$most ? -$most : v > $most ? $most : v;
        q[j] = (int16_t)(v < 0 ? v - 0.5f : v + 0.5f);
    }
""")

SCALED = Template("""\
    for (j = 0; j < $n; j++) {
        int32_t v = x[$source];
        uint16_t f;
        v -= (int16_t)SKLEARN_OBS_16(words++);
        f = SKLEARN_OBS_16(words++);
        v = v * (f >> 5) >> (f & 31);
        q[j] = (int16_t)(v < -$most ? -$most : v > $most ? $most : v);
    }
""")

SPARSE = Template("""\
    for (j = 0; j < $units; j++) {
        const $type *h = $inputs;
        $count_type n = $count;
        int32_t sum = 0;
$read        while (n--) {
$entry        }
$finish    }
""")

PACKED = Template("""\
    for (j = 0; j < $units; j++) {
        const $type *h = $inputs;
        int k;
$byte        int32_t sum = 0;
        for (k = 0; k < $fan_in; k++) {
$entry            h++;
        }
$finish    }
""")

BYTE = "        uint8_t v = 0;\n"

CONSTANT = Template("""\
    for (j = 0; j < $units; j++) {
        int32_t sum = $intercept;
$finish    }
""")

FACTOR = Template("""\
        m = SKLEARN_OBS_16(words++);
        sum = $shifted * (m >> 5) >> (m & 31);
        sum += $intercept;
""")

CLIPPED = Template("""\
        $into[j] = ($cell)(sum < $smallest ? $smallest : sum > $largest ? $largest : sum);
""")

TABLE = Template("""\
        sum += $middle;
        sum = sum < 0 ? 0 : sum > $last ? $last : sum;
        {
            const uint8_t *t = tables + (sum >> $bits);
            int left = ($cell)SKLEARN_OBS_8(t), right = ($cell)SKLEARN_OBS_8(t + 1);
            int part = (int)(sum & $mask);
            $into[j] = ($cell)((left * ($fine - part) + right * part + $half) >> $bits);
        }
""")

PROBA = {
    "classes": """\
    int32_t z[$n_outputs] = {0};
    float sum = 0;
    int j, best = ${name}_linear(x, z);
    if (best < 0) return -1;
    for (j = 0; j < $n_outputs; j++) sum += p[j] = expf($step * ((float)z[j] - (float)z[best]));
    for (j = 0; j < $n_outputs; j++) p[j] /= sum;
    return 0;
""",
    "binary": """\
    int32_t z[1] = {0};
    if (${name}_linear(x, z) < 0) return -1;
    p[1] = 1 / (1 + expf(-$step * (float)z[0]));
    p[0] = 1 - p[1];
    return 0;
""",
    "labels": """\
    int32_t z[$n_outputs] = {0};
    int j;
    if (${name}_linear(x, z)) return -1;
    for (j = 0; j < $n_outputs; j++) p[j] = 1 / (1 + expf(-$step * (float)z[j]));
    return 0;
""",
}
