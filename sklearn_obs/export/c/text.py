"""Python values as C99 text: numbers, strings, comments, arrays."""

import re
from textwrap import wrap

import numpy as np

WIDTH = 96
STANDARD = re.findall(  # headers of C17
    r"\w+",
    """
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign
    stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar
    wchar wctype
    """,
)


def number(value):
    """A number with as many digits as are needed to read back the same one."""
    if isinstance(value, (np.integer, int)):
        return str(int(value))
    digits = 9 if value.dtype == np.float32 else 17
    text = f"{value:.{digits}g}"
    if not re.search(r"[.e]", text):
        text += ".0"
    return text + ("f" if value.dtype == np.float32 else "")


def c_type(dtype):
    """The C99 type of an array's numbers."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return "float" if dtype == np.float32 else "double"
    return f"{dtype.name}_t"


def read(values, pointer):
    """The C expression that reads the next number of an array, and advances the pointer."""
    return read_at(values, f"{pointer}++")


def read_at(values, pointer):
    """The C expression that reads the number at a pointer, from the memory of constants."""
    dtype = np.asarray(values).dtype
    if dtype.kind == "f":
        return f"SKLEARN_OBS_FLOAT({pointer})"
    return f"({c_type(dtype)})SKLEARN_OBS_{8 * dtype.itemsize}({pointer})"


def numbers(values):
    """Numbers with commas between them, in lines."""
    return "\n".join(wrap(", ".join(map(number, values)), WIDTH, break_on_hyphens=False))


def comment(paragraphs):
    """A C comment with these paragraphs; '' is an empty line."""
    lines = []
    for text in paragraphs:
        lines += wrap(text, WIDTH, subsequent_indent=" ", break_on_hyphens=False) or [""]
    return "/*\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */"


def string(text):
    """A C string literal, with octal for what would end it, or a comment around it."""
    plain = []
    for byte, after in zip(text.encode(), [*text.encode()[1:], 0], strict=True):
        character = chr(byte)
        ends_comment = character + chr(after) in ("*/", "/*")
        if not 32 <= byte < 127 or character in '"\\?' or ends_comment:
            character = f"\\{byte:03o}"
        plain.append(character)
    return '"' + "".join(plain) + '"'


def label(value):
    """A class label as a C constant.

    Raises
    ------
    ValueError
        If it is neither a string nor a number.
    """
    if isinstance(value, (str, np.str_)):
        return string(str(value))
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (int, np.integer)):
        value = int(value)
        if -(2**31) < value < 2**31:
            return str(value)
        if -(2**63) < value < 2**63:
            return f"{value}LL"
    if isinstance(value, (float, np.floating)) and np.isfinite(value):
        return number(np.float64(value))
    raise ValueError(
        f"Got the class label {value!r}, but expected strings or numbers: C has no name for it. "
        "Encode y, for instance with LabelEncoder, before fit."
    )


def macro_names(texts):
    """A name in C for each text, such as WORN_OUT; for texts that would share one, their number."""
    names = [re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").upper() for text in texts]
    shared = {name for name in names if not name or names.count(name) > 1}
    found = [str(k) if name in shared else name for k, name in enumerate(names)]
    return found if len(set(found)) == len(found) else [str(k) for k in range(len(names))]


def prefix(path, name=None):
    """The prefix of C names: `name`, or the file's, with _ for characters that C does not allow.

    Raises
    ------
    ValueError
        If it is no identifier, or begins with _.
    """
    name = re.sub(r"\W", "_", path.stem, flags=re.ASCII) if name is None else name
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise ValueError(
            f"Got name={name!r}, but expected a C identifier that begins with a letter."
        )
    return name


def header_name(path):
    """The file name of the header, as the source includes it.

    Raises
    ------
    ValueError
        If it is that of a standard header of C, or cannot be written between quotes.
    """
    if path.stem.lower() in STANDARD:
        raise ValueError(
            f"Got a file of the name {path.with_suffix('.c').name!r}, whose header would hide C's "
            f"own <{path.stem.lower()}.h>. Choose another name."
        )
    if re.search(r'["\\]|[^\S ]', path.name):
        raise ValueError(
            f"Got a file of the name {path.with_suffix('.c').name!r}, but expected one without "
            "quotes, backslashes, tabs and line breaks, which C cannot include."
        )
    return path.name
