"""Check single values that a caller passes, and show them in errors."""

from __future__ import annotations

from math import inf
from operator import index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
        if not _is_number(value):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {named(value)}; expected a number") from None
    except OverflowError:
        return inf


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
    """Return the value's repr if it is one short line, else its type."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python prints
        text = ""
    return text if 0 < len(text) <= 40 and "\n" not in text else f"a value of type {type(value).__name__}"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
