"""Delimited text files: what is read, what is refused and in which words, whole and as a stream."""

import bz2
import csv
import gzip
import io
import lzma
import math
import os
import random
import subprocess
import sys
import threading
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyperceptron as pp
from pyperceptron import csv_file, text_source
from pyperceptron.csv_table import CsvStream
from pyperceptron.exceptions import UnknownColumnError
from pyperceptron.notation import Notation
from pyperceptron.table import MISSING_WORDS, Texts


class Named(io.BytesIO):
    name = "data.csv"


class Pipe(io.RawIOBase):
    """A file that cannot seek and gives what it has piece by piece."""

    name = "a pipe"

    def __init__(self, pieces):
        self.pieces = list(pieces)

    def read(self, size=-1):
        return self.pieces.pop(0) if self.pieces else b""

    def readable(self):
        return True

    def seekable(self):
        return False

    def tell(self):
        raise OSError


def read(data, **options):
    """Return what read_csv makes of a text or of bytes that a file named data.csv holds."""
    return pp.read_csv(Named(data.encode() if isinstance(data, str) else data), **options)


def columns_of(table):
    return {name: list(table[name]) for name in table.names}


def message_of(data, **options):
    with pytest.raises(ValueError) as caught:
        read(data, **options)
    message = str(caught.value)
    assert message.isprintable()
    assert message.isascii() or not data.isascii()
    return message


@pytest.fixture(params=[1, 3, 64, None])
def piece(request, monkeypatch):
    """How many bytes are read at a time; None leaves it as it is."""
    if request.param:
        monkeypatch.setattr(text_source, "PIECE", request.param)
    return request.param


@pytest.fixture
def small_blocks(piece, monkeypatch):
    """Blocks of as few characters, so that they end anywhere."""
    if piece:
        monkeypatch.setattr(csv_file, "PIECE", piece)


def assert_one_sentence(error):
    assert str(error).isprintable()
    assert len(str(error)) < 400


# --- what is read, and what is refused

READ = {
    "numbers and texts": ("a,b\n1,x\n2,y\n", {}, {"a": [1, 2], "b": ["x", "y"]}),
    "a byte order mark before a quoted header": ('\ufeff"a, cm",b\r\n1,2\r\n', {}, {"a, cm": [1], "b": [2]}),
    "a byte order mark beats the encoding": ("\ufeffa,b\n1,\u00e9\n", {"encoding": "latin-1"}, {"a": [1], "b": ["\u00e9"]}),
    "UTF-16 with its mark": ("a,b\n1,\u00e9\n".encode("utf-16"), {}, {"a": [1], "b": ["\u00e9"]}),
    "UTF-32 with its mark": ("a,b\n1,\u00e9\n".encode("utf-32"), {}, {"a": [1], "b": ["\u00e9"]}),
    "big-endian UTF-16": (b"\xfe\xff" + "a,b\n1,2\n".encode("utf-16-be"), {}, {"a": [1], "b": [2]}),
    "another encoding": ("a,b\n1,\u00e9\n".encode("latin-1"), {"encoding": "latin-1"}, {"a": [1], "b": ["\u00e9"]}),
    "CR alone": ("a,b\r1,x\r2,y\r", {}, {"a": [1, 2], "b": ["x", "y"]}),
    "CR and LF": ("a,b\r\n1,x\r\n2,y", {}, {"a": [1, 2], "b": ["x", "y"]}),
    "other separators of lines are letters": ("a,b\n1,x\u2028y\x0bz\n", {}, {"a": [1], "b": ["x\u2028y\x0bz"]}),
    "blank lines": ("\n\na,b\n\n1,2\n   \n3,4\n\n\n", {}, {"a": [1, 3], "b": [2, 4]}),
    "a blank line in one column is a missing value": ("a\n1\n\n3\n\n", {"missing": "drop"}, {"a": [1, 3]}),
    "a blank line in one column of texts": ("a\nx\n\ny\n\n", {"header": True}, {"a": ["x", "", "y"]}),
    "quotes": ('a,b\n1,"x ""y"", z"\n2,"two\nlines"\n', {}, {"a": [1, 2], "b": ['x "y", z', "two\nlines"]}),
    "a quote within a field is a letter": ('a,b\n1,5" pipe\n2,x\n', {}, {"a": [1, 2], "b": ['5" pipe', "x"]}),
    "a delimiter after every row": ("a,b\n1,2,\n3,4,\n", {}, {"a": [1, 3], "b": [2, 4]}),
    "a delimiter after every row and the header": ("a,b,\n1,2,\n3,4,\n", {}, {"a": [1, 3], "b": [2, 4]}),
    "a delimiter after every row without a header": ("1.5,2,\n3,4,\n", {}, {"x0": [1.5, 3], "x1": [2, 4]}),
    "spaces around": (" a , b\n 1 , x y \n", {}, {"a": [1], "b": ["x y"]}),
    "comments before the header": ("# by me\n# a, b, c, d\na,b\n1,2\n", {}, {"a": [1], "b": [2]}),
    "a header that begins with #": ("#a,b\n1,2\n", {}, {"#a": [1], "b": [2]}),
    "a row that begins with #": ("a,b\n#1,2\n", {}, {"a": ["#1"], "b": [2]}),
    "Excel's line about the delimiter": ("sep=;\na;b\n1;x\n", {}, {"a": [1], "b": ["x"]}),
    "semicolons and decimal commas": ("a;b\n1,5;2,5\n", {"decimal": ","}, {"a": [1.5], "b": [2.5]}),
    "semicolons, decimal commas, no header": ("1,5;2,5\n3,5;4,5\n", {"decimal": ","}, {"x0": [1.5, 3.5], "x1": [2.5, 4.5]}),
    "tabs": ("a\tb\n1\tx, y\n2\tz\n", {}, {"a": [1, 2], "b": ["x, y", "z"]}),
    "bars": ("a|b\n1|x\n", {}, {"a": [1], "b": ["x"]}),
    "spaces": ("a  b\n1   2 \n 3 4\n", {}, {"a": [1, 3], "b": [2, 4]}),
    "one column": ("a\n1\n2\n", {}, {"a": [1, 2]}),
    "one column of texts with spaces": ("town\nNew York\nLos Angeles\n", {}, {"town": ["New York", "Los Angeles"]}),
    "no header": ("1.5,x\n2,y\n", {}, {"x0": [1.5, 2], "x1": ["x", "y"]}),
    "a header over texts": ("name,town\nx,y\nz,y\n", {}, {"name": ["x", "z"], "town": ["y", "y"]}),
    "a header of numbers by hand": ("2019,2020\n1,2\n", {"header": True}, {"2019": [1], "2020": [2]}),
    "no header by hand": ("a,b\nc,d\n", {"header": False}, {"x0": ["a", "c"], "x1": ["b", "d"]}),
    "one row": ("1.5,2.5\n", {}, {"x0": [1.5], "x1": [2.5]}),
    "notations of numbers": ("a,b\n1e3,+5\n1e-999, .5\n-0,5.\n", {}, {"a": [1000, 0, -0.0], "b": [5, 0.5, 5]}),
    "a no-break space around": ("a\n\u00a05\u00a0\n6\n", {}, {"a": [5, 6]}),
    "one word makes a text column": ("a,b\n1,1\n2,x\n", {}, {"a": [1, 2], "b": ["1", "x"]}),
    "missing texts stay": ("a,b\n1,x\n2,?\n3,\n4,NA\n", {}, {"a": [1, 2, 3, 4], "b": ["x", "?", "", "NA"]}),
    "all missing is a column of texts": ("a,b\n1,?\n2,\n", {}, {"a": [1, 2], "b": ["?", ""]}),
    "a column of texts by hand": ("a,b\n1,01\n2,02\n", {"columns": {"b": "text"}}, {"a": [1, 2], "b": ["01", "02"]}),
    "mostly numbers, by hand": ("a\n" + "1\n" * 20 + "x\n", {"columns": {0: "text"}}, {"a": ["1"] * 20 + ["x"]}),
    "columns left out": ("a,b,c\n1,2,3\n", {"drop": ["b", 2]}, {"a": [1]}),
    "one of two equal names left out": ("a,a\n1,2\n", {"drop": [1]}, {"a": [1]}),
    "a pandas index left out": (",a\n0,5\n1,6\n", {"drop": [0]}, {"a": [5, 6]}),
    "a row with too few numbers for a guess": ("a,b\n5%,1\nfive,2\nsix,3\n", {}, {"a": ["5%", "five", "six"], "b": [1, 2, 3]}),
    "dates are words": ("a,b\n2020-01-01,1.2.2020\n", {}, {"a": ["2020-01-01"], "b": ["1.2.2020"]}),
    "names that begin other formats": ("PAR1,ORCID,BZh\n1,x,2\n", {}, {"PAR1": [1], "ORCID": ["x"], "BZh": [2]}),
    "a long field": ("a,b\n1," + "n" * 200_000 + "\n", {}, {"a": [1], "b": ["n" * 200_000]}),
}


@pytest.mark.parametrize("case", READ)
def test_what_is_read(case, piece):
    data, options, expected = READ[case]
    table = read(data, **options)
    assert columns_of(table) == expected
    assert all(isinstance(table.columns[name], Texts) == isinstance(values[0], str) for name, values in expected.items())
    assert len(table) == len(next(iter(expected.values())))


MANY = "1\n" * 19
REFUSED = {
    "empty": ("", {}, "data.csv is empty; expected a header and rows"),
    "only blank lines": ("\n \n", {}, "data.csv has only blank lines and comments; expected a header and rows"),
    "only a header": ("a,b\n", {}, "data.csv has no rows after the header; expected some"),
    "an open quote": (
        'a,b\n1,x\n2,"y\n3,z\n',
        {},
        "data.csv line 3 opens a quote that is not closed; close it, or double a quote that is part of a text",
    ),
    "an open quote after lines in quotes": (
        'a,b\n1,"x\ny"\n"p\nq","y\n3,z\n',
        {},
        "data.csv line 5 opens a quote that is not closed; close it, or double a quote that is part of a text",
    ),
    "an open quote in the header": (
        'a,"b\n1,x\n',
        {},
        "data.csv line 1 opens a quote that is not closed; close it, or double a quote that is part of a text",
    ),
    "something after a closing quote": (
        'a,b\n1,"x"y\n',
        {},
        "data.csv line 2 has a closing quote with something after it; expected a delimiter or the end of the line: "
        "double a quote that is part of a text",
    ),
    "a quote that the next one closes": (
        'a,b\n1,"x\n2,"y"\n',
        {},
        "data.csv line 3 has a closing quote, opened on line 2, with something after it; expected a "
        "delimiter or the end of the "
        "line: double a quote that is part of a text",
    ),
    "a field too many": (
        "a,b\n1,2\n3,4,5\n",
        {},
        "data.csv line 3 has 3 fields; expected 2, as in line 1: put a text that holds ',' in double quotes, "
        "or remove what is too much",
    ),
    "a field too many that is not always empty": (
        "a,b\n1,2,\n3,4,5\n",
        {},
        "data.csv line 3 has 3 fields; expected 2, as in line 1: put a text that holds ',' in double quotes, "
        "or remove what is too much",
    ),
    "an empty field too many in one row": (
        "a,b\n1,2\n3,4,\n",
        {},
        "data.csv line 3 has 3 fields; expected 2, as in line 1: put a text that holds ',' in double quotes, "
        "or remove what is too much",
    ),
    "a field too few": (
        "a,b,c\n1,2,3\n4,5\n",
        {},
        "data.csv line 3 has 2 fields; expected 3, as in line 1: fill in what is missing, if need be with "
        "nothing between two "
        "delimiters",
    ),
    "the right number after lines in quotes and blank lines": (
        'a,b\n"x\ny",2\n\n3\n',
        {},
        "data.csv line 5 has 1 field; expected 2, as in line 1: remove that line, or fill it in",
    ),
    "a late comment": (
        "a,b\n1,2\n# end\n",
        {},
        "data.csv line 3 has 1 field; expected 2, as in line 1: it begins with '#', but comments may stand "
        "only before the header: "
        "remove it",
    ),
    "a comment over one column": (
        "# kg\na\n1\n",
        {},
        "data.csv line 1 begins with '#': in a file of one column that may be a comment or a record; remove it",
    ),
    "equal names": (
        "a,b,a\n1,2,3\n",
        {},
        "data.csv has the column 'a' twice, at positions 0 and 2: rename one, or write drop=[2]",
    ),
    "equal names over texts": (
        "a,a\nx,y\n",
        {},
        "data.csv has the column 'a' twice, at positions 0 and 1: rename one, or write drop=[1], or "
        "header=False if it is no header",
    ),
    "the target twice": (
        "a,y,y\n1,2,3\n",
        {"target": "y"},
        "data.csv has two columns 'y', 1 and 2, and target names it: rename one in the file, or write target=1",
    ),
    "a pandas index": (
        ",a,b\n0,5,x\n1,6,y\n",
        {},
        "data.csv has no name for the column at position 0, perhaps an index that pandas wrote: name it, or "
        "write drop=[0] to leave it "
        "out",
    ),
    "a pandas index before texts": (
        ",a\n0,x\n1,y\n",
        {},
        "data.csv has no name for the column at position 0, perhaps an index that pandas wrote: name it, or "
        "write drop=[0] to leave it "
        "out",
    ),
    "a header of numbers": (
        "0,1,2\n5.1,3.5,x\n",
        {},
        "data.csv line 1 may be the header or the first row: write header=True or header=False",
    ),
    "a header of years": (
        "id,2019,2020\na,1,2\nb,3,4\n",
        {},
        "data.csv line 1 may be the header or the first row: write header=True or header=False",
    ),
    "words over numbers, and a number": (
        "a,7\n1,2\n3,4\n",
        {},
        "data.csv line 1 may be the header or the first row: write header=True or header=False",
    ),
    "texts without a header": (
        "p,x\ne,x\np,y\n",
        {},
        "data.csv line 1 may be the header or the first row: write header=True or header=False",
    ),
    "NUL": ("a,b\n1,x\0y\n", {}, "data.csv line 2 holds a NUL character; expected text: remove it"),
    "UTF-16 without its mark": (
        "a,b\n1,2\n".encode("utf-16-le"),
        {},
        "data.csv line 1 holds NUL characters, as UTF-16 and UTF-32 do: write encoding='utf-16-le' if it is such a file",
    ),
    "other bytes": (
        "a,b\n1,x\n2,\u00e9\n".encode("latin-1"),
        {},
        "data.csv line 3 holds the byte 0xe9 (byte 10 of the text, from 0), which is not utf-8: name its encoding, such as "
        "encoding='cp1252'",
    ),
    "bytes cut off": (
        b"a,b\n1,\xc3",
        {},
        "data.csv line 2 holds the byte 0xc3 (byte 6 of the text, from 0), which is not utf-8: name its encoding, such as "
        "encoding='cp1252'",
    ),
    "a word among numbers": (
        f"a\n{MANY}x\n",
        {},
        "data.csv line 21, column 'a' is 'x'; expected a number, as in 19 of its 20 values: correct it, or write "
        "columns={'a': 'text'} to take them as texts",
    ),
    "a word where numbers are wanted": (
        "a,b\n1,x\ny,2\nz,4\n",
        {"columns": {"a": "number"}},
        "data.csv line 3, column 'a' is 'y'; expected a number: correct it, or leave that row out",
    ),
    "a missing number": (
        "a,b\n1,2\n3,?\n",
        {},
        "data.csv line 3, column 'b' is '?'; expected a number, but that is a missing value: fill it in, or "
        "write missing='mean' or "
        "missing='drop'",
    ),
    "the first missing number": (
        "a,b\n1,\n,2\n",
        {},
        "data.csv line 2, column 'b' is ''; expected a number, but that is a missing value: fill it in, or "
        "write missing='mean' or "
        "missing='drop'",
    ),
    "missing values in all rows": (
        "a,b\n1,\n,2\n",
        {"missing": "drop"},
        "data.csv has a missing value in every row; expected rows without: drop columns with many",
    ),
    "an empty label": (
        "a,y\n1,x\n2, \n",
        {"target": "y"},
        "data.csv line 3, column 'y' is ''; expected a label in the target: fill it in, or leave that row out",
    ),
    "decimal commas": (
        "a;b\n1,5;x\n2;y\n",
        {},
        "data.csv line 2, column 'a' is '1,5'; expected a number such as 1234.5: write decimal=',' if ',' is "
        "its decimal mark, or "
        "columns={'a': 'text'} to take them as texts",
    ),
    "decimal commas without a header": (
        "1,5;2,5\n3,5;4,5\n",
        {},
        "data.csv line 1, column 'x0' is '1,5'; expected a number such as 1234.5: write decimal=',' if ',' "
        "is its decimal mark, or "
        "columns={'x0': 'text'} to take them as texts",
    ),
    "a decimal point": (
        "a;b\n1.5;x\n",
        {"decimal": ","},
        "data.csv line 2, column 'a' is '1.5'; expected a number such as 1234,5: write decimal='.' if '.' is "
        "its decimal mark, or "
        "columns={'a': 'text'} to take them as texts",
    ),
    "thousands": (
        'a,b\n"1,234",x\n',
        {},
        "data.csv line 2, column 'a' is '1,234'; expected a number such as 1234.5: write it so in the file, or write "
        "columns={'a': 'text'} to take them as texts",
    ),
    "two delimiters": (
        "1,a;b\n2,c;d\n",
        {},
        "data.csv could be split by ',' and by ';': write delimiter=',' or delimiter=';'",
    ),
    "a title": (
        "My report\na,b,c\n1,2,3\n",
        {},
        "data.csv has ',' in its lines but not in line 1, the first: is it the delimiter? If so write "
        "delimiter=',', or for one "
        "column delimiter=';'",
    ),
    "a delimiter that is not there": (
        "a;b;y\n1;2;3\n",
        {"delimiter": ",", "target": "y"},
        "data.csv has no column 'y', which target names; it has one, 'a;b;y': is the delimiter ';'? Then write delimiter=';'",
    ),
    "a target alone": (
        "y\n1\n2\n",
        {"target": "y"},
        "data.csv has no column beside the target; expected some: is there a delimiter, such as delimiter=';'?",
    ),
    "Parquet": (b"PAR1\x15\x04", {}, "data.csv is a Parquet file: read it with pyarrow, pandas, polars or DuckDB"),
    "a web page": ("\n<!DOCTYPE HTML>", {}, "data.csv is a web page: download the data themselves"),
    "zstd": (b"\x28\xb5\x2f\xfd123", {}, "data.csv is compressed by zstd: decompress it first, as `zstd -d` does"),
    "JSON": ('[{"a": 1}]', {}, "data.csv is JSON: convert it to CSV"),
    "Parquet in gzip": (
        gzip.compress(b"PAR1\x15\x04"),
        {},
        "data.csv is a Parquet file: read it with pyarrow, pandas, polars or DuckDB",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case, piece):
    data, options, expected = REFUSED[case]
    if case == "UTF-16 without its mark" and piece in (1, 3):
        expected = "data.csv line 1 holds a NUL character; expected text: remove it"  # so few do not show it
    assert message_of(data, **options) == expected


ODD = ["inf", "-Infinity", "1e999", "-1e400", "1_000", "\uff11\uff12", "\u0661\u0662", "0x1p3", "0x1F", "5%", "$5", "1,234"]
ODD += ["1.234,5", "\u22123", "1\u00a0200", "5 \u20ac", "-nan", "NAN", "1'234"]


@pytest.mark.parametrize("cell", ODD)
def test_what_only_looks_like_a_number_is_refused(cell):
    for before in ("1\n2\n", ""):
        message = message_of(f"a\n{before}{cell}\n", delimiter=";", header=True)
        assert message.startswith(f"data.csv line {2 + before.count(chr(10))}, column 'a' is {cell!a}; expected a ")
        assert message.endswith("columns={'a': 'text'} to take them as texts")
    assert list(read(f"a\n{cell}\n", delimiter=";", header=True, columns={"a": "text"})["a"]) == [cell]


@pytest.mark.parametrize("cell", ["1_000", "\u0661", "inf", "1e999", "0x10", "x", "1,5", "-nan"])
def test_a_column_of_numbers_by_hand_takes_nothing_else(cell):
    expected = f"data.csv line 3, column 'a' is {cell!a}; expected a number: correct it, or leave that row out"
    assert message_of(f"a;b\n1;2\n{cell};3\n", columns={"a": "number"}) == expected


@pytest.mark.parametrize("word", sorted(MISSING_WORDS - {""}))
def test_every_word_for_a_missing_value_is_one(word):
    table = read(f"a,b\n1,2\n {word} ,3\n", missing="mean")
    assert table["a"][0] == 1
    assert math.isnan(table["a"][1])
    assert table.missing == "mean"


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300))
def test_numbers_are_read_to_the_bit(number):
    assert Notation(".").number(f" {number!r}\t") == float(number)
    assert Notation(",").number(repr(number).replace(".", ",")) == float(number)
    assert Notation(".").numbers([repr(number)], is_plain=True)[0][0] == float(number)


@given(st.text(st.sampled_from("0123456789+-._eEinfaxX, \u0661\uff11\u2212\u00a0\n"), max_size=8), st.sampled_from(".,"))
def test_a_column_of_numbers_agrees_with_its_cells(text, decimal):
    notation = Notation(decimal)
    number = notation.number(text)
    for before in ([], ["1"], ["NA"]):
        numbers = notation.numbers([*before, text], is_plain=False)
        if text.strip() in MISSING_WORDS:
            assert numbers is None or math.isnan(numbers[0][-1])
        else:
            assert (None if numbers is None else numbers[0][-1]) in (number, None)
            assert numbers is not None or number is None or "\n" in text or not text.isascii()
    if number is not None:
        plain = text.strip().replace(",", ".") if decimal == "," else text.strip()
        assert number == float(plain)
        assert set(plain) <= set("0123456789+-.eE")


# --- columns and targets


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["0", "1", "+1", " -1 "], [0, 1, 1, -1]),
        (["0", "1.5"], [0.0, 1.5]),
        (["NA", "nan", "?", " x "], ["NA", "nan", "?", "x"]),
        (["1", "x"], ["1", "x"]),
        (["1", "1_0"], ["1", "1_0"]),
        (["<=50K", ">50K"], ["<=50K", ">50K"]),
    ],
)
def test_labels(cells, expected):
    data = "a,y\n" + "".join(f"1,{cell}\n" for cell in cells)
    for target in ("y", 1, -1):
        table, y = read(data, target=target)
        assert y == expected
        assert list(map(type, y)) == list(map(type, expected))
        assert (table.names, table.target) == (("a",), "y")
    assert read(data, target="y", columns={"y": "text"})[1] == [cell.strip() for cell in cells]


def test_rows_with_missing_values_are_left_out_and_counted():
    data = "a,b,c,y\n1,p,?,1\n,q,x,2\n3,?,x,3\n4,r,x,4\nNA,,x,5\n6,p,x,6\n"
    table, y = read(data, target="y", drop="c", missing="drop")
    assert columns_of(table) == {"a": [1, 4, 6], "b": ["p", "r", "p"]}
    assert (y, table.dropped, table.missing) == ([1, 4, 6], 3, "error")
    assert table.columns["b"].levels == ["p", "r"]


def test_without_a_header_the_positions_are_the_names():
    table, y = read("1.5,x,0\n2,y,1\n", target=1, drop=["x2"])
    assert columns_of(table) == {"x0": [1.5, 2]}
    assert y == ["x", "y"]
    assert not table.has_header
    assert read("a,b\n1,2\n").has_header


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"target": "inc"}, "data.csv has no column 'inc', which target names; did you mean 'income'?"),
        ({"drop": ["AGE"]}, "data.csv has no column 'AGE', which drop names; did you mean 'age'?"),
        ({"columns": {"zip": "text"}}, "data.csv has no column 'zip', which columns names; it has 'age', 'income'"),
        ({"target": 2}, "data.csv has 2 columns but target names column 2; the first is 0"),
    ],
)
def test_a_column_that_is_not_there(options, expected):
    with pytest.raises(UnknownColumnError) as caught:
        read("age,income\n1,2\n", **options)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("options", "error", "expected"),
    [
        ({"missing": "median"}, ValueError, "missing is 'median'; expected 'error', 'mean' or 'drop'"),
        ({"decimal": ";"}, ValueError, "decimal is ';'; expected '.' or ','"),
        ({"delimiter": "||"}, ValueError, "delimiter is '||'; expected one character, such as ',' or ';', or None to find it"),
        (
            {"delimiter": ",", "decimal": ","},
            ValueError,
            "delimiter and decimal are both ','; expected two characters, as delimiter=';'",
        ),
        ({"header": 1}, ValueError, "header is 1; expected 'auto', True or False"),
        (
            {"encoding": "utf-9"},
            ValueError,
            "encoding is 'utf-9'; expected the name of an encoding, such as 'utf-8' or 'cp1252'",
        ),
        ({"encoding": "hex"}, ValueError, "encoding is 'hex'; expected the name of an encoding, such as 'utf-8' or 'cp1252'"),
        ({"encoding": None}, TypeError, "encoding is None; expected a name such as 'utf-8' or 'cp1252'"),
        ({"columns": ["a"]}, TypeError, "columns is ['a']; expected a mapping such as {'age': 'number', 'zip': 'text'}"),
        ({"columns": {"a": "date"}}, ValueError, "the kind of column 'a' is 'date'; expected 'number' or 'text'"),
        ({"drop": 1.5}, TypeError, "drop is 1.5; expected a list of columns, by name or position"),
        ({"target": 1.5}, TypeError, "target names the column 1.5; expected its name or position"),
        (
            {"target": "a", "drop": ["a"]},
            ValueError,
            "drop leaves out column 'a', which another option uses: name it in one of them",
        ),
        ({"drop": ["a", "b"]}, ValueError, "drop leaves out every column of data.csv; expected one that stays"),
    ],
)
def test_wrong_options(options, error, expected):
    with pytest.raises(error) as caught:
        read("a,b\n1,2\n", **options)
    assert str(caught.value) == expected


def test_an_error_spells_options_as_it_is_told():
    with pytest.raises(ValueError, match="write --decimal , if ',' is its decimal mark, or --columns a=text to take them"):
        pp.read_csv(
            b"a;b\n1,5;x\n",
            spell=lambda option, value: f"--{option} " + (value if isinstance(value, str) else "=".join(*value.items())),
        )


# --- sources


def zipped(data, **names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items() or {"a.csv": data}.items():
            archive.writestr(name, content)
    return buffer.getvalue()


PLAIN = ("a,b,y\n" + "".join(f"{i / 7},{'pqr'[i % 3]}, {i % 2}\n" for i in range(3000))).encode()
COMPRESSED = {
    "plain": PLAIN,
    "gzip": gzip.compress(PLAIN),
    "gzip, two members and padding": gzip.compress(PLAIN[:1000]) + gzip.compress(PLAIN[1000:]) + bytes(512),
    "bz2": bz2.compress(PLAIN[:77]) + bz2.compress(PLAIN[77:]),
    "xz": lzma.compress(PLAIN) + bytes(4),
    "zip": zipped(PLAIN, **{"a.csv": PLAIN, "__MACOSX/._a.csv": b"\0"}),
}


@pytest.mark.parametrize("kind", COMPRESSED)
def test_every_source_gives_the_same(kind, tmp_path, small_blocks):
    data = COMPRESSED[kind]
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    expected = [(i / 7, "pqr"[i % 3]) for i in range(3000)]
    ends = sorted(random.Random(1).sample(range(len(data)), 50))
    pieces = [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]
    with open(path, "rb") as file:
        for source in (path, str(path), data, bytearray(data), file, io.BytesIO(data), Pipe(pieces), gzip.GzipFile(path)):
            if isinstance(source, gzip.GzipFile) and kind != "gzip":
                continue
            table, y = pp.read_csv(source, target="y")
            assert list(table) == expected
            assert y == [0, 1] * 1500
    if kind == "plain":
        with open(path, encoding="utf-8") as file:
            for source in (file, io.StringIO(data.decode()), io.TextIOWrapper(Pipe(pieces))):
                assert list(pp.read_csv(source, target="y")[0]) == expected


@pytest.mark.parametrize("kind", sorted(COMPRESSED.keys() - {"plain", "gzip, two members and padding", "bz2", "xz"}))
def test_damaged_and_truncated(kind):
    data = COMPRESSED[kind]
    for end in [*range(len(data) - 1, 20, -199)]:
        assert message_of(data[:end]).startswith("data.csv is ")
    for at in range(12, len(data), 97):
        damaged = bytearray(data)
        damaged[at] ^= 0x55
        try:
            table = read(bytes(damaged))
        except ValueError as error:
            assert_one_sentence(error)
        else:
            assert columns_of(table) == columns_of(read(data))  # a byte of the header, such as the time


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (gzip.compress(PLAIN)[:-9], "data.csv is truncated: its gzip data end too early"),
        (bz2.compress(PLAIN)[:-9], "data.csv is truncated: its bz2 data end too early"),
        (lzma.compress(PLAIN)[:-9], "data.csv is truncated: its xz data end too early"),
        (gzip.compress(gzip.compress(PLAIN)), "data.csv is compressed twice: decompress it once"),
        (zipped(b"", **{"a": b"1", "b": b"2"}), "data.csv is a zip of 2 files ('a', 'b'); expected exactly one: unpack it"),
        (zipped(b"", **{"xl/workbook.xml": b"", "b": b""}), "data.csv is an Excel file: save it as CSV"),
        (zipped(b"", **{"mimetype": b"", "content.xml": b""}), "data.csv is an Office document: save its table as CSV"),
    ],
)
def test_what_else_is_wrong_with_compressed_files(data, expected):
    assert message_of(data) == expected


def test_a_small_file_that_decompresses_to_much_is_refused_in_little_memory():
    bomb = bz2.compress(bytes(10_000_000) * 5)
    assert message_of(bomb) == (
        "data.csv line 1 holds NUL characters, as UTF-16 and UTF-32 do: write encoding='utf-32-be' if it is such a file"
    )


def test_sources_that_are_none(tmp_path):
    with pytest.raises(TypeError, match="source is 5; expected a path, an open file or bytes"):
        pp.read_csv(5)
    with pytest.raises(ValueError, match=r"source is the text 'a,b\\n1,2'; .* write io.StringIO\(text\)"):
        pp.read_csv("a,b\n1,2")
    with pytest.raises(FileNotFoundError):
        pp.read_csv(tmp_path / "none.csv")
    with pytest.raises(IsADirectoryError):
        pp.read_csv(tmp_path)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_column_whose_first_word_comes_late_is_read_again(tmp_path, compress):
    rows = [(f"{i:03}", "x" if i > 26_000 else "?", f"{i}") for i in range(30_000)]
    rows = [(cell if i < 23_000 else "w" + cell, b, c) for i, (cell, b, c) in enumerate(rows)]
    data = compress(("a,b,c\n" + "".join(map("{0[0]} ,{0[1]},{0[2]}\n".format, rows))).encode())
    path = tmp_path / "late.csv"
    path.write_bytes(data)
    halves = [data[: len(data) // 2], data[len(data) // 2 :]]
    for source in (path, data, io.BytesIO(data), Pipe(halves)):
        table = pp.read_csv(source)
        assert list(table) == [(a, b, float(c)) for a, b, c in rows]
    if compress is bytes:
        with open(path, encoding="utf-8") as file:
            assert list(pp.read_csv(file)) == [(a, b, float(c)) for a, b, c in rows]


def test_the_limit_of_csv_is_raised_and_restored():
    before = csv.field_size_limit(1000)
    try:
        assert read("a,b\n1," + "n" * 5000 + "\n")["b"] == ["n" * 5000]
        message_of('a,b\n1,"x')
        assert csv.field_size_limit() == 1000
    finally:
        csv.field_size_limit(before)


def test_an_open_quote_cannot_swallow_gigabytes():
    def endless():
        yield b'a,b\n1,"x\n'
        while True:
            yield b"2,y\n" * 50_000

    class Endless(Pipe):
        def read(self, size=-1):
            return next(self.pieces)

        def __init__(self):
            self.pieces = endless()

    expected = r"a pipe line 2 opens a quote that is not closed within 16777216 characters; close it, or double a quote"
    with pytest.raises(ValueError, match=expected):
        pp.read_csv(Endless())


def test_a_long_text_in_quotes_ends_where_it_ends(monkeypatch):
    monkeypatch.setattr(csv_file, "_LONGEST_QUOTED", 1 << 19)
    for size in range(80_000, 100_000, 3_000):  # some end in a piece that is not parsed at once
        long = 'x"\n' * size
        rows = list(pp.read_csv(f'a,b\n1,"{long.replace(chr(34), chr(34) * 2)}"\n'.encode() + b"2,y\n" * 100_000))
        assert rows[:2] == [(1, long.strip()), (2, "y")]
        assert len(rows) == 100_001


def test_progress_counts_bytes_and_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(PLAIN * 1)
    seen = []
    pp.read_csv(path, progress=lambda size, rows: seen.append((size, rows)))
    assert seen == sorted(seen)
    assert seen[-1] == (len(PLAIN), 3000)


def test_importing_the_package_does_not_import_csv():
    script = "import sys, pyperceptron as pp; pp.read_csv; assert not {'csv', '_csv', 'gzip', 'zlib'} & set(sys.modules)"
    subprocess.run(
        [sys.executable, "-S", "-c", script], check=True, env={"PYTHONPATH": os.path.dirname(os.path.dirname(pp.__file__))}
    )


# --- against another parser


def records_of(text, delimiter):
    """Return [(line, fields)] of a text by the rules, letter by letter; ValueError for a quote that is out of place."""
    ends = ("\r\n", "\n", "\r")
    records, line, at = [], 1, 0
    while at < len(text):
        start, fields = line, []
        while True:
            while text[at : at + 1] == " ":
                at += 1
            field = ""
            if text[at : at + 1] == '"':
                at += 1
                while True:
                    if at >= len(text):
                        raise ValueError("open")
                    if text[at] == '"':
                        if text[at + 1 : at + 2] != '"':
                            break
                        at += 1
                    line += text[at] == "\n" or (text[at] == "\r" and text[at + 1 : at + 2] != "\n")
                    field += text[at]
                    at += 1
                at += 1
                if text[at : at + 1] not in ("", "\n", "\r", delimiter):
                    raise ValueError("after")
            else:
                while at < len(text) and text[at] not in ("\n", "\r", delimiter):
                    field += text[at]
                    at += 1
            fields.append(field)
            if text[at : at + 1] != delimiter:
                break
            at += 1
        at += len(next((end for end in ends if text.startswith(end, at)), ""))
        line += 1
        records.append((start, fields))
    return records


def expected_of(text, delimiter):
    """Return the names and rows, whose cells are stripped, of a text with a header; None if it must be refused."""
    try:
        records = records_of(text, delimiter)
    except ValueError:
        return None
    if "\0" in text:
        return None
    records = [fields for line, fields in records]
    while records and len(records[0]) == 1 and not records[0][0].strip():
        records.pop(0)
    if not records:
        return None
    names, *rows = ([cell.strip() for cell in fields] for fields in records)
    rows = [row for row in rows if row != [""]]
    surplus = bool(rows) and len(rows[0]) == len(names) + 1 and not rows[0][-1]
    if not rows or any(len(row) != len(names) + surplus or (surplus and row[-1]) for row in rows):
        return None
    columns = list(zip(names, *rows, strict=False))
    named = [column for column in columns if column[0]]
    if (
        any(any(column) for column in columns if not column[0])
        or len({column[0] for column in named}) < len(named)
        or not named
    ):
        return None
    return [column[0] for column in named], [column[1:] for column in named]


def read_as_texts(data, delimiter):
    """Return the names and the columns that read_csv gives with all columns as texts, or None if it refuses the file."""
    try:
        names = CsvStream(Named(data), {}, header=True, delimiter=delimiter, keep=[0]).names
        by_hand = {i: "text" for i, name in enumerate(names) if name}
        table = pp.read_csv(Named(data), header=True, delimiter=delimiter, columns=by_hand)
    except (ValueError, OSError) as error:
        assert_one_sentence(error)
        return None
    return list(table.names), [tuple(table[name]) for name in table.names]


def test_mutated_files_are_read_as_another_parser_reads_them(piece, small_blocks):
    source = random.Random(piece)
    letters = 'ab1, ;,""\n\n\r\r\n\u00e9#'
    read_right = 0
    for _ in range(3000 if piece is None else 700):
        width = source.randint(2, 4)
        rows = [[f"n{i}" for i in range(width)]]
        for _ in range(source.randint(0, 6)):
            rows.append(["".join(source.choices(letters, k=source.randint(0, 4))) for _ in range(width)])
        buffer = io.StringIO()
        end = source.choice(["\n", "\r\n", "\r"])
        csv.writer(buffer, lineterminator=end, quoting=source.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])).writerows(rows)
        text = list(buffer.getvalue())
        for _ in range(source.choice([0, 0, 1, 2, 5])):
            at = source.randrange(len(text) + 1)
            action = source.randrange(3)
            text[at : at + (action != 0)] = source.choice([*letters, "\0", " "]) if action < 2 else ""
        text = "".join(text)
        if text.lstrip("\r\n ").startswith("#"):  # perhaps a comment, of which the other parser knows nothing
            continue
        found, expected = read_as_texts(text.encode(), ","), expected_of(text, ",")
        if found is not None and len(found[0]) == 1:  # in one column a blank line may be a record
            continue
        assert found == expected, text
        read_right += expected is not None
    assert read_right > 200


def test_mutated_files_are_read_or_refused_in_one_sentence(piece, small_blocks):
    """With nothing said about them; what is read keeps each cell in its place, which the texts of an index column show."""
    source = random.Random(7)
    for _ in range(1500 if piece is None else 300):
        delimiter, end = source.choice(",;\t|"), source.choice(["\n", "\r\n", "\r"])
        rows = [delimiter.join(["id", "b", "c"])]
        rows += [
            delimiter.join([f"k{i}", f"v{i}", source.choice(["1", "2.5", "", "1,5", "NA"])])
            for i in range(source.randint(1, 9))
        ]
        data = bytearray(end.join(rows).encode())
        for _ in range(source.randint(0, 3)):
            at = source.randrange(len(data) + 1)
            data[at : at + source.randint(0, 2)] = bytes(source.choices(b'\0\xff\xe9",;\t| \n\r1a#_', k=source.randint(0, 2)))
        try:
            table = pp.read_csv(bytes(data), missing="mean")
        except (ValueError, OSError) as error:
            assert_one_sentence(error)
            continue
        for name in table.names:
            column = table.columns[name]
            assert len(column) == len(table)
            if isinstance(column, Texts) and name in ("id", "b"):
                other = [bytes(cell.encode()) in data for cell in column]
                assert all(other) or '"' in bytes(data).decode("utf-8", "replace")


CELLS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
    st.floats(allow_nan=False).map(repr),
    st.integers().map(str),
)


@given(
    st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=6)),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_what_csv_writes_comes_back(rows, delimiter, end, quoting, encoding):
    names = [f"name {i}" for i in range(len(rows[0]))]
    if any(letter in cell for row in rows for cell in row for letter in "\r\n"):
        quoting = csv.QUOTE_ALL  # csv.writer puts quotes around those line ends only that are its own
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([names, *rows])
    data = buffer.getvalue().encode(encoding)
    table = pp.read_csv(data, header=True, delimiter=delimiter, columns=dict.fromkeys(names, "text"))
    assert list(table.names) == names
    assert list(table) == [tuple(cell.strip() for cell in row) for row in rows]


# --- streams


def stream_of(data, kinds, **options):
    rows, kept = [], []
    with CsvStream(Named(data.encode()), kinds, **options) as stream:
        for table, cells in stream:
            assert table.names == tuple(kinds)
            rows += list(table)
            kept += cells
    return stream, rows, kept


def test_a_stream_gives_the_columns_that_are_asked_for(small_blocks):
    data = 'id,b,y,a\n7, x,0,1\n8,"y\nz",1,NA\n\n9,,0,3\n'
    stream, rows, kept = stream_of(data, {"a": "number", "b": "text"}, keep=["id", 1])
    assert stream.names == ("id", "b", "y", "a")
    assert stream.ignored == ("y",)
    assert [row[1] for row in rows] == ["x", "y\nz", ""]
    assert [str(row[0]) for row in rows] == ["1.0", "nan", "3.0"]
    assert kept == [("7", "x"), ("8", "y\nz"), ("9", "")]


@pytest.mark.parametrize(
    ("data", "kinds", "expected"),
    [
        ("1,2\n3,4\n", {"x0": "number", "x1": "number"}, [(1, 2), (3, 4)]),
        ("1;2;9\n3;4;9\n", {"x0": "number", "x1": "number"}, [(1, 2), (3, 4)]),
        ("2019,2020\n3,4\n", {"2020": "number", "2019": "number"}, [(4, 3)]),
        ("5\n6\n", {"x0": "number"}, [(5,), (6,)]),
        ("a;b\n1;2\n", {"b": "number"}, [(2,)]),
        ("a,b\n1,2,\n3,4,\n", {"b": "number"}, [(2,), (4,)]),
        ("a,a,b\n1,2,3\n", {"b": "number"}, [(3,)]),
        (",b\n0,3\n", {"b": "number"}, [(3,)]),
    ],
)
def test_a_stream_finds_the_header_by_the_names_that_the_model_has(data, kinds, expected, small_blocks):
    assert stream_of(data, kinds)[1] == expected


@pytest.mark.parametrize(
    ("data", "error", "expected"),
    [
        (
            "a,b\n1,2\n3,x\n",
            ValueError,
            "data.csv line 3, column 'b' is 'x'; expected a number: correct it, or leave that row out",
        ),
        ("a,b\n1,2\n3\n", ValueError, "data.csv line 3 has 1 field; expected 2, as in line 1: remove that line, or fill it in"),
        ("a,c\n1,2\n", UnknownColumnError, "data.csv has no column 'b', which the model names; it has 'a', 'c'"),
        ("a,bb\n1,2\n", UnknownColumnError, "data.csv has no column 'b', which the model names; did you mean 'bb'?"),
        ("", ValueError, "data.csv is empty; expected a header and rows"),
        ("b,b\n1,2\n", ValueError, "data.csv has two columns 'b', 0 and 1, and the model names it: rename one in the file"),
    ],
)
def test_a_stream_refuses_what_read_csv_refuses(data, error, expected, small_blocks):
    with pytest.raises(error) as caught:
        stream_of(data, {"b": "number"})
    assert str(caught.value) == expected


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_stream_answers_each_line_of_a_pipe_that_waits(as_text, compressed):
    if as_text and compressed:
        pytest.skip("text is not compressed")
    out, into = os.pipe()
    reader = os.fdopen(out, "rb")
    source = io.TextIOWrapper(reader) if as_text else reader
    writer = os.fdopen(into, "wb", buffering=0)
    packer = gzip.GzipFile(fileobj=writer, mode="wb") if compressed else None

    def send(text):
        if packer is None:
            writer.write(text.encode())
        else:
            packer.write(text.encode())
            packer.flush()

    answered = threading.Event()
    failed = []

    def feed():
        for line in ("a,b\n", "1,x\n", '2,"y\nz"\n', "3,w\n"):
            send(line)
            if line != "a,b\n" and not answered.wait(20):
                failed.append(line)
                break
            answered.clear()
        (packer or writer).close()
        writer.close()

    thread = threading.Thread(target=feed)
    thread.start()
    rows = []
    with source:
        for table, kept in CsvStream(source, {"a": "number"}, keep=["b"]):
            rows.append((list(table), kept))
            answered.set()
    thread.join()
    assert not failed
    assert rows == [([(1,)], [("x",)]), ([(2,)], [("y\nz",)]), ([(3,)], [("w",)])]


def test_a_stream_of_many_rows_needs_little_memory():
    import tracemalloc

    def lines():
        yield b"a,b\n"
        for _ in range(15):
            yield b"1.5,text\n" * 20_000

    class Long(Pipe):
        def __init__(self):
            self.pieces = lines()

        def read(self, size=-1):
            return next(self.pieces, b"")

    tracemalloc.start()
    count = sum(len(table) for table, _ in CsvStream(Long(), {"a": "number", "b": "text"}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 300_000
    assert peak < 20_000_000
