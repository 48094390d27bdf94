"""Check single values that a caller passes, and show them in errors."""

from __future__ import annotations

from array import array
from math import inf
from operator import index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


LIMIT = 1e150  # products of numbers within ±LIMIT, and sums of such products, are finite


def whole_number(value: Any, name: str, lowest: int, highest: int) -> int:
    """Return the value as an int; raise TypeError if it is not an integer, ValueError if it is outside lowest … highest."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = index(value)
    except TypeError:
        raise TypeError(f"{name} is {named(value)}; expected a whole number") from None
    if not lowest <= number <= highest:
        raise ValueError(f"{name} is {named(number)}; expected a whole number from {lowest} to {highest}")
    return number


def thread_count(value: Any) -> int | None:
    """Return the number of threads to use at most, or None for as many as the data are worth; else TypeError or ValueError."""
    if value is None:
        return None
    try:
        return whole_number(value, "threads", 1, 1024)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error}: for as many as the data are worth leave it None") from None


def positive_number(value: Any, name: str) -> float:
    """Return the value as a float; raise TypeError if it is not a number, ValueError if it is not positive and finite."""
    number = _number(value, name)
    if not 0 < number < inf:
        raise ValueError(f"{name} is {named(value)}; expected a positive finite number")
    return number


def nonnegative_number(value: Any, name: str) -> float:
    """Return the value as a float; raise TypeError if it is not a number, ValueError if it is negative or not finite."""
    number = _number(value, name)
    if not 0 <= number < inf:
        raise ValueError(f"{name} is {named(value)}; expected 0 or a positive finite number")
    return number


def true_or_false(value: Any, name: str) -> bool:
    """Return True or False, Python's or NumPy's, as a bool; TypeError for any other value."""
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise TypeError(f"{name} is {named(value)}; expected True or False")


def one_of(value: Any, name: str, options: tuple[str, ...]) -> str:
    """Return the value as a plain string if it is one of the options; else ValueError."""
    if isinstance(value, str) and value in options:
        return str(value)
    raise ValueError(f"{name} is {named(value)}; expected {', '.join(map(repr, options[:-1]))} or {options[-1]!r}")


def _number(value: Any, name: str) -> float:
    try:
        if not _is_number(value) or is_lookalike(value):
            raise TypeError
        return float(value)
    except OverflowError:
        return inf
    except Exception:
        raise TypeError(f"{name} is {named(value)}; expected a number") from None


def _is_number(value: Any) -> bool:
    """Whether it is a single real number: no text or buffer, which float() would parse, no truth value, nothing masked."""
    if type(value) in (float, int):
        return True
    if isinstance(value, (str, bytes, bool)) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        return False
    if getattr(value, "shape", ()) != () or (getattr(value, "mask", False) is not False and bool(value.mask)):
        return False
    return getattr(getattr(value, "dtype", None), "kind", "f") in "iuf"


def named(value: Any) -> str:
    """Return the value's repr if it is one short line without an address; else the start of a text, or the type of a value."""
    if isinstance(value, str):
        return f"{str(value)!r}" if len(value) <= 36 else f"{str(value[:36])!r}..."
    try:
        text = repr(value)
    except Exception:  # such as for an integer of more digits than Python prints
        text = ""
    is_short = 0 < len(text) <= 40 and "\n" not in text and " at 0x" not in text
    return text if is_short else f"a value of type {type(value).__name__}"


def refuse_failure(name: str, error: Exception) -> NoReturn:
    """Raise the ValueError that says why an object of the caller could not be read."""
    if isinstance(error, (ImportError, MemoryError)):
        raise error
    reason = str(error).partition("\n")[0] or type(error).__name__
    raise ValueError(f"{name} cannot be read ({reason}): give plain lists") from error


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def read_number(value: Any, table: str, row: int, column: int, column_name: Any = None) -> float:
    """Return a value of a table as a float, which may be nan or infinite; if it is no number, raise TypeError with its place.

    An integer too large for a float is a ValueError.
    """
    try:
        if is_lookalike(value):
            raise TypeError
        return float(array("d", [value])[0])
    except OverflowError:
        refuse_number(table, row, column, column_name, "an integer too large for a float", "scale it down")
    except Exception:
        refuse_number(table, row, column, column_name, described(value), _remedy(value, table), TypeError)


def refuse_number(
    table: str,
    row: int,
    column: int,
    column_name: Any,
    found: str,
    remedy: str,
    error: type[Exception] = ValueError,
    expected: str = "a finite number",
) -> NoReturn:
    """Raise the error that says which number of a table is wrong, what is expected, and the remedy."""
    place = column if column_name is None else named(column_name)
    raise error(f"{table} row {row}, column {place} is {found}; expected {expected}: {remedy}") from None


def is_lookalike(value: Any) -> bool:
    """Whether Python would convert the value to a float although it is no real number: a date, complex or masked number."""
    dtype = getattr(value, "dtype", None)
    return dtype is not None and (getattr(dtype, "kind", "f") in "mMc" or type(value).__name__ == "MaskedConstant")


def is_missing(value: Any) -> bool:
    """Whether a value stands for a missing one: None, nan, or those of pandas and NumPy."""
    try:
        return value is None or bool(value != value)
    except ArithmeticError:  # a signaling nan of Decimal
        return True
    except Exception:  # pandas.NA is neither equal to itself nor not
        return type(value).__name__ == "NAType"


def described(value: Any) -> str:
    """Return what an error calls a value that stands where a number or a row of numbers belongs."""
    if type(value).__name__ == "MaskedConstant":
        return "masked"
    return f"the text {named(value)}" if isinstance(value, str) else named(value)


def _remedy(value: Any, table: str) -> str:
    """Say what to do with a value that is no number but stands where one belongs."""
    if is_missing(value) or type(value).__name__ == "MaskedConstant":
        return "fill it in or drop that row"
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            if table == "X":
                return "give a Table or a data frame, in which a column may hold texts, or leave the column out"
            return "make a 0/1 column for each of such texts, or leave the column out" if table == "inputs" else "give numbers"
        return "convert it first, as float(...) does"
    if isinstance(value, bytes):
        return "decode it and convert it first, as float(...) does"
    if getattr(value, "ndim", 0) or hasattr(value, "__len__"):
        return "flatten each sample into one row of numbers"
    if hasattr(value, "isoformat") or hasattr(value, "days") or type(value).__name__ in ("datetime64", "timedelta64"):
        return "turn dates into numbers, such as days since a first date"
    return "convert it to a real number first"
