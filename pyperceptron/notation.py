"""Which texts are numbers: the notation of C and CSV, and what only looks like a number."""

from __future__ import annotations

from array import array
from math import inf, isfinite

from pyperceptron.table import MISSING_WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_AS_NAN = dict.fromkeys(MISSING_WORDS, "nan")
_SEPARATORS = ".,' "


class Notation:
    """How the numbers of a file are written: as in C, with this decimal mark, "." or ","; spaces around them do not count."""

    def __init__(self, decimal: str) -> None:
        self.decimal = decimal

    def number(self, text: str) -> float | None:
        """Return the finite number that the text is, else None; Python's float also takes 1_000, digits of any script, inf."""
        text = text.strip()
        if self.decimal == ",":
            if "." in text:
                return None
            text = text.replace(",", ".")
        if not text.isascii() or "_" in text:
            return None
        try:
            value = float(text)
        except ValueError:
            return None
        return value if isfinite(value) else None

    def numbers(self, texts: Sequence[str], *, is_plain: bool) -> tuple[array[float], bool] | None:
        """Return the numbers that the texts are, nan for a missing one, and whether there is such a one; at the speed of C.

        is_plain  whether it is known that the texts are ASCII and hold no underscore

        None says that some text is neither a number nor a word for a missing value, or that only `number` can tell.
        """
        if not is_plain:
            joined = "".join(texts)
            if not joined.isascii() or "_" in joined:
                return None
        if self.decimal == ",":
            joined = "\n".join(texts)
            if "." in joined:
                return None
            written: Sequence[str] = joined.replace(",", ".").split("\n")
            if len(written) != len(texts):  # a line end in a text
                return None
        else:
            written = texts
        try:
            values = array("d", map(float, written))
        except ValueError:
            try:
                values = array("d", map(float, map(_AS_NAN.get, written, written)))
            except ValueError:
                return None
        if isfinite(sum(values)):
            return values, False
        if inf in values or -inf in values:
            return None
        words = [texts[i] for i, value in enumerate(values) if value != value]  # "-nan" is no word for a missing value
        return (values, bool(words)) if all(is_missing_word(word) for word in words) else None

    def is_too_large(self, text: str) -> bool:
        """Whether a text is a number that no float can hold."""
        text = text.strip().replace(self.decimal, ".")
        try:
            return text.isascii() and any(map(str.isdigit, text)) and "_" not in text and not isfinite(float(text))
        except ValueError:
            return False

    def looks_like_number(self, text: str) -> bool:
        """Whether a text that is no number here may well be meant as one: 1,5 and 1.234,5, $5, 5%, 1_000, 0x1F, inf, or with a
        minus sign or digits outside ASCII."""
        text = text.strip()
        if text[:1].isalpha() and text[:1].isascii() and text[:1] not in "iInN":
            return False
        try:
            float(text)
            return True
        except ValueError:
            pass
        text = text if text.isascii() else _in_ascii(text)
        text = text.strip("+-$% ").lower()
        if text.startswith("0x"):
            return len(text) > 2 and not text[2:].strip("0123456789abcdef.p+-_")
        mantissa, _, exponent = text.partition("e")
        return _is_grouped(mantissa.replace("_", "")) and (not exponent or exponent.lstrip("+-").isdigit())


def is_missing_word(text: str) -> bool:
    """Whether a text says that a value is missing."""
    return text.strip() in MISSING_WORDS


def whole_number(text: str) -> int | None:
    """Return the whole number that a text is, in ASCII digits with or without a sign, else None."""
    text = text.strip()
    digits = text[1:] if text[:1] in ("+", "-") else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 400 else None


def _is_grouped(text: str) -> bool:
    """Whether a text is digits with at most one decimal mark at the end of them, perhaps in groups of three."""
    for separator in _SEPARATORS[1:]:
        text = text.replace(separator, f"{separator}.")
    pieces = text.split(".")  # ["1", "234,", ...]: each but the last ends in its separator, if that is not a point
    marks = [piece[-1] if piece[-1:] in (",", "'", " ") else "." for piece in pieces[:-1]]
    digits = [piece.rstrip(_SEPARATORS) for piece in pieces]
    if not all(piece.isdigit() for piece in digits[1:]) or not (digits[0].isdigit() or not digits[0]) or not digits[-1]:
        return False
    has_decimals = bool(marks) and marks[-1] in ".," and marks.count(marks[-1]) == 1
    groups, separators = (digits[:-1], marks[:-1]) if has_decimals else (digits, marks)
    return len(groups) <= 1 or (
        len(groups[0]) <= 3 and all(len(piece) == 3 for piece in groups[1:]) and len(set(separators)) == 1
    )


def _in_ascii(text: str) -> str:
    """Return a text with its digits, signs, spaces and currencies in ASCII."""
    from unicodedata import category, decimal, name, normalize

    def plain(letter: str) -> str:
        kind = category(letter)
        if kind == "Nd":
            return str(decimal(letter))
        if kind in ("Zs", "Sc"):
            return " " if kind == "Zs" else "$"
        return "-" if kind == "Pd" or name(letter, "") == "MINUS SIGN" else letter

    return "".join(map(plain, normalize("NFKC", text)))
