"""Files as other programs write them: what is read, what is said, and what is refused where."""

import numpy as np
import pandas as pd
import pytest

from sklearn_obs.command.table import read_table

ROWS = [(f"{i}.5", f"{i * 7 % 5}", "np"[i % 2]) for i in range(20)]


def text_of(separator=",", header=("a", "b", "y"), rows=ROWS, end="\n"):
    return "".join(separator.join(row) + end for row in (header, *rows))


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def assert_is_plain(table):
    assert list(table.columns) == ["a", "b"]
    np.testing.assert_array_equal(table.columns["a"], np.arange(20) + 0.5)
    np.testing.assert_array_equal(table.columns["b"], np.arange(20) * 7 % 5)
    assert table.y.tolist() == ["n", "p"] * 10
    assert table.classification
    assert not table.words


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_ends_and_encodings(tmp_path, separator, end, encoding):
    table = read_table(write(tmp_path / "t.csv", text_of(separator, end=end), encoding), "y")
    assert_is_plain(table)
    assert not table.notes


def test_windows_1252_is_said(tmp_path):
    path = write(tmp_path / "t.csv", text_of(header=("größe", "b", "y")), "cp1252")
    table = read_table(path, "y")
    assert list(table.columns) == ["größe", "b"]
    assert table.notes == [f"{path} is not UTF-8: it was read as Windows-1252"]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\n" + text_of(";"),
        "SEP=|\r\n" + text_of("|"),
        text_of() + "   \n\n",
        "\n" + text_of(),
        text_of().replace("\n", "\n\n"),
        text_of().replace("\n", ",,\n"),  # empty columns without a name
        text_of(rows=[tuple(f'" {cell} "' for cell in row) for row in ROWS]),
    ],
    ids=["sep=", "SEP=", "blank end", "blank start", "blank lines", "empty columns", "quotes"],
)
def test_what_spreadsheets_write(tmp_path, text):
    assert_is_plain(read_table(write(tmp_path / "t.csv", text), "y"))


def test_separators_in_quoted_names_and_decimal_commas(tmp_path):
    header = ('"mass, kg"', '"length, ""m"""', "y")
    table = read_table(write(tmp_path / "t.csv", text_of(";", header=header)), "y")
    assert list(table.columns) == ["mass, kg", 'length, "m"']
    rows = [(a.replace(".", ","), b, y) for a, b, y in ROWS]
    table = read_table(write(tmp_path / "t.csv", text_of(";", rows=rows)), "y")
    assert_is_plain(table)
    assert table.notes == ["decimal commas are read as points in 'a'"]
    quoted = [(f'"{a}"', b, y) for a, b, y in rows]  # between commas it may be a code
    table = read_table(write(tmp_path / "t.csv", text_of(rows=quoted)), "y")
    assert table.left_out == {"different text in every row (line 2: '0,5')": ["a"]}
    assert list(table.columns) == ["b"]


def test_a_column_without_a_name_is_left_out_and_said(tmp_path):
    frame = pd.DataFrame(ROWS, columns=["a", "b", "y"])
    frame.to_csv(tmp_path / "t.csv")  # with the index
    table = read_table(tmp_path / "t.csv", "y")
    assert_is_plain(table)
    assert table.notes == ["columns without a name are left out (an index?): column 1"]


@pytest.mark.parametrize(
    ("line", "cell", "message"),
    [
        (7, '5.5,"0,n', "line 7 of {} is not CSV: a quote is opened and not closed"),
        (7, '"5.5"x,0,n', "line 7 of {} is not CSV: ',' expected after '\"'"),
        (7, "5.5,0", "line 7 of {} has 2 cells, but its header has 3"),
        (7, "5.5,0,n,1", "line 7 of {} has 4 cells, but its header has 3"),
        (7, "1e300,0,n", "column 'a' has the number 1e+300, which is too large to scale"),
        (7, "-inf,0,n", "column 'a' has infinite numbers"),
    ],
)
@pytest.mark.parametrize("before", ["", "sep=,\n"])
def test_what_is_wrong_is_said_with_its_line(tmp_path, line, cell, message, before):
    lines = text_of().splitlines()
    lines[line - 1] = cell
    path = write(tmp_path / "t.csv", before + "\n".join(lines) + "\n")
    message = message.format(path)
    if before:
        message = message.replace(f"line {line}", f"line {line + 1}")
    with pytest.raises(ValueError) as caught:
        read_table(path, "y")
    assert str(caught.value) == message


def test_a_quote_that_a_later_one_closes_swallows_nothing(tmp_path):
    lines = text_of().splitlines()
    lines[4] = lines[4].replace(",", ',"', 1)
    lines[9] = lines[9].replace(",", ',"', 1)
    with pytest.raises(ValueError, match=r"line 5 of .* is not CSV"):
        read_table(write(tmp_path / "t.csv", "\n".join(lines)), "y")


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["1234567890123456781", "1234567890123456782", "5"], "U"),
        (["123456789012345678", "123456789012345679", "5"], "i"),
        (["1e20", "2e20", "3"], "U"),
        (["1_0", "10", "3"], "U"),
        (["01", "1", "2"], "U"),
        (["1.0", "1", "2"], "U"),
        (["1.0", "-3.0", "2.0"], "i"),
        (["-3", "0", "7"], "i"),
        (["true", "false", "maybe"], "U"),
        (["None", "some", "all"], "U"),
    ],
)
def test_labels_are_the_words_of_the_file(tmp_path, labels, kind):
    rows = [(a, b, labels[i % 3]) for i, (a, b, _) in enumerate(ROWS)]
    table = read_table(write(tmp_path / "t.csv", text_of(rows=rows)), "y")
    assert table.classification
    assert table.y.dtype.kind == kind
    written = [row[2].removesuffix(".0") if kind == "i" else row[2] for row in rows]
    assert [str(label) for label in table.y] == written


@pytest.mark.parametrize("missing", ["", "NA", "n/a", "#N/A", "NaN", "null", "<NA>", "?", "None"])
def test_spellings_of_a_gap(tmp_path, missing):
    rows = [(missing, *ROWS[0][1:]), *ROWS[1:]]
    table = read_table(write(tmp_path / "t.csv", text_of(rows=rows)), "y")
    assert table.gaps == ["a"]
    assert np.isnan(table.columns["a"]).tolist() == [True] + [False] * 19


@pytest.mark.parametrize(
    "codes", [["2_10", "3_10"], ["0x1F", "0x2A"], ["1,5", "2,5"], ["1 0", "2 0"]]
)
def test_codes_are_text(tmp_path, codes):
    rows = [(f'"{codes[i % 2]}"', b, y) for i, (_, b, y) in enumerate(ROWS)]
    table = read_table(write(tmp_path / "t.csv", text_of(rows=rows)), "y")
    assert table.words == {"a": (2, codes[0])}


def test_truths_and_dates(tmp_path):
    rows = [
        (["True", "false", "NA"][i % 3], f"2024-0{1 + i % 9}-11", y)
        for i, (_, _, y) in enumerate(ROWS)
    ]
    table = read_table(write(tmp_path / "t.csv", text_of(rows=rows)), "y")
    np.testing.assert_array_equal(table.columns["a"][:3], [1, 0, np.nan])
    assert table.truths == ["a"]
    assert table.dates == ["b"]
    assert table.words == {"b": (2, "2024-01-11")}


def test_lines_count_what_is_skipped(tmp_path):
    few = [(f"{i % 4}.5", b, y) for i, (_, b, y) in enumerate(ROWS)]
    rows = [("1\n1", b, y) if i == 3 else (a, b, y) for i, (a, b, y) in enumerate(few)]
    rows = [(f'"{a}"', b, y) for a, b, y in rows]
    text = text_of(rows=rows[:2]) + "\n\n" + text_of(header=rows[2], rows=rows[3:])
    with pytest.raises(ValueError, match=r"'1\\n1' in line 8, but almost all"):  # where it ends
        read_table(write(tmp_path / "t.csv", text), "y")


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx"])
def test_other_files_that_pandas_reads(tmp_path, suffix):
    pytest.importorskip({".parquet": "pyarrow", ".xlsx": "openpyxl"}[suffix])
    frame = pd.DataFrame(ROWS, columns=["a", "b", "y"]).astype({"a": float, "b": int})
    frame["when"] = pd.date_range("2024-01-01", periods=20)
    frame["sure"] = [True, False] * 10
    frame.loc[2, "a"] = np.nan
    path = tmp_path / f"t{suffix}"
    (frame.to_parquet if suffix == ".parquet" else frame.to_excel)(path, index=False)
    table = read_table(path, "y")
    assert list(table.columns) == ["a", "b", "sure"]
    assert table.gaps == ["a"]
    assert [why.split(" (")[0] for why in table.left_out] == ["different dates in every row"]
    assert table.truths == ["sure"]
    np.testing.assert_array_equal(table.columns["b"], np.arange(20) * 7 % 5)


FRAME = pd.DataFrame(
    {
        "a": np.arange(20) + 0.5,
        "b": np.arange(20) * 7 % 5,
        "sure": [True, False] * 10,
        "kind": ["one", "two; three", None, 'fo"ur'] * 5,
        "y": ["n", "p"] * 10,
    }
)


def of_excel(separator, end="\r\n"):
    """As Excel writes it, and LibreOffice by default: words quoted only where they must be."""
    quoted = FRAME.assign(sure=FRAME["sure"].map({True: "TRUE", False: "FALSE"}))
    return quoted.to_csv(index=False, sep=separator, lineterminator=end)


def of_r(separator, decimal):
    """As write.csv and write.csv2 write it: words and row names quoted, NA for what is missing."""
    rows = [separator.join(f'"{name}"' for name in ["", *FRAME])]
    for i, (a, b, sure, kind, y) in enumerate(FRAME.itertuples(index=False), start=1):
        kind = "NA" if pd.isna(kind) else '"' + kind.replace('"', '""') + '"'
        cells = [f'"{i}"', str(a).replace(".", decimal), str(b), str(sure).upper(), kind, f'"{y}"']
        rows.append(separator.join(cells))
    return "\n".join(rows) + "\n"


def of_sql(missing):
    """As clients of databases write it: tabs, and a word where there is NULL."""
    return FRAME.fillna(missing).to_csv(index=False, sep="\t")


def of_polars():
    polars = pytest.importorskip("polars")
    columns = {name: FRAME[name].astype(object) for name in FRAME}
    columns["kind"] = columns["kind"].where(FRAME["kind"].notna(), None)
    return polars.DataFrame({name: list(c) for name, c in columns.items()}).write_csv()


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        (lambda: of_excel(","), "utf-8-sig", []),
        (lambda: of_excel(";"), "cp1252", []),
        (lambda: of_excel("\t"), "utf-16", []),
        (lambda: "sep=;\r\n" + of_excel(";"), "utf-8", []),
        (lambda: of_excel(";").replace(".5;", ",5;"), "utf-8-sig", ["decimal commas"]),
        (lambda: of_excel(",", "\n"), "utf-8", []),
        (lambda: of_excel(",") + ",,,,\r\n" * 3, "utf-8", []),
        (lambda: of_excel(",").replace("\r\n", ",\r\n"), "utf-8", []),
        (lambda: of_r(",", "."), "utf-8", ["without a name"]),
        (lambda: of_r(";", ","), "utf-8", ["without a name", "decimal commas"]),
        (lambda: FRAME.to_csv(), "utf-8", ["without a name"]),
        (lambda: FRAME.to_csv(index=False), "utf-8", []),
        (lambda: FRAME.to_csv(index=False, na_rep="NaN", sep="|"), "utf-8", []),
        (of_polars, "utf-8", []),
        (lambda: of_sql("NULL"), "utf-8", []),
        (lambda: of_sql("\\N"), "utf-8", []),
        (lambda: of_sql(""), "utf-8", []),
    ],
    ids=[
        "Excel, UTF-8",
        "Excel, semicolons",
        "Excel, Unicode text",
        "Excel, sep=",
        "Excel, decimal commas",
        "LibreOffice",
        "Excel, empty rows",
        "Excel, an empty column",
        "write.csv",
        "write.csv2",
        "pandas, index",
        "pandas",
        "pandas, NaN",
        "polars",
        "SQL, NULL",
        "SQL, \\N",
        "SQL, empty",
    ],
)
def test_files_as_programs_write_them(tmp_path, text, encoding, said):
    table = read_table(write(tmp_path / "t.csv", text(), encoding), "y")
    assert list(table.columns) == ["a", "b", "sure", "kind"]
    np.testing.assert_array_equal(table.columns["a"], FRAME["a"])
    np.testing.assert_array_equal(table.columns["b"], FRAME["b"])
    np.testing.assert_array_equal(table.columns["sure"], FRAME["sure"])
    assert table.truths == ["sure"]
    assert table.text == ["kind"]
    words = table.columns["kind"]
    assert [word for i, word in enumerate(words) if i % 4 != 2] == list(FRAME["kind"].dropna())
    assert table.y.tolist() == FRAME["y"].tolist()
    assert len(table.notes) == len(said)
    for note, word in zip(table.notes, said, strict=True):
        assert word in note


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([""] * 20, "no values"),
        (["NA", "?"] * 10, "no values"),
        (["1.0", "1"] * 10, "only one value"),
        (["x"] * 20, "only one value"),
        (["true", ""] * 10, "only one value"),
        ([f"{i}x" for i in range(20)], "different text in every row (line 2: '0x')"),
        ([f"2024-01-{i:02}" for i in range(1, 21)], None),
    ],
)
def test_columns_that_say_nothing_are_left_out(tmp_path, cells, why):
    rows = [(cell, b, y) for cell, (_, b, y) in zip(cells, ROWS, strict=True)]
    table = read_table(write(tmp_path / "t.csv", text_of(rows=rows)), "y")
    assert list(table.columns) == ["b"]
    assert table.left_out == {why or "different dates in every row (line 2: '2024-01-01')": ["a"]}


def test_a_word_now_and_then_is_information(tmp_path):
    rows = [(["x", ""][i % 2], b, y) for i, (_, b, y) in enumerate(ROWS)]
    table = read_table(write(tmp_path / "t.csv", text_of(rows=rows)), "y")
    assert table.text == ["a"] and not table.left_out


def test_a_number_that_a_spreadsheet_could_not_compute(tmp_path):
    words = (
        r"column 'a' has '#DIV/0!' in line 6, but almost all .* an empty cell .* or use --drop a"
    )
    for n in (1, 4):  # of 20: by mistake, and often enough to be meant
        cells = [f"{i % 3}" for i in range(4)] + ["#DIV/0!"] * n + ["7"] * (16 - n)
        rows = [(cell, b, y) for cell, (_, b, y) in zip(cells, ROWS, strict=True)]
        path = write(tmp_path / "t.csv", text_of(rows=rows))
        if n == 1:
            with pytest.raises(ValueError, match=words):
                read_table(path, "y")
        else:
            table = read_table(path, "y")
            assert table.mixed == ["a"] and table.words == {"a": (6, "#DIV/0!")}


def test_without_pandas_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-obs\[csv\]'"):
        read_table(write(tmp_path / "t.csv", text_of()), "y")
