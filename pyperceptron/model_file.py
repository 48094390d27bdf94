"""Model files: JSON text that holds a model or a layer, to and from disk. docs/model-file.md describes the format.

Reading runs nothing of what it reads: JSON becomes numbers, texts, lists and dictionaries, each of which is checked.
"""

from __future__ import annotations

from array import array
from math import isfinite

from pyperceptron.checks import counted, named
from pyperceptron.whole_file import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any, ClassVar, NoReturn, Self

FORMAT = "pyperceptron model"
VERSION = 1  # of the format; a file of a later one is refused
_EXPECTED = "expected a file that save or to_json wrote"
_TOO_LARGE = "the model file is too large for the memory of this machine: load it where there is more"
_DEEPEST = 20  # tuples in tuples


class Stored:
    """The base of what a model file can hold: a subclass says what its fields are and makes an object of them again.

    A class with `kind` in its definition is what files of that kind are read as.
    """

    _kinds: ClassVar[dict[str, type[Stored]]] = {}
    _kind: ClassVar[str]

    def __init_subclass__(cls, kind: str = "", **others: Any) -> None:
        super().__init_subclass__(**others)
        if kind:
            cls._kind = kind
            Stored._kinds[kind] = cls

    def to_json(self, *, date: str | None = None) -> str:
        """Return the model as JSON text, which from_json reads: the same training gives the same text.

        date  when the model was trained, in any words; it is kept in the file and means nothing to the model

        Raises ValueError if a label or a name is of a type that JSON cannot hold, and AttributeError before a fit.
        """
        if date is not None and not isinstance(date, str):
            raise TypeError(f"date is {named(date)}; expected a text such as '2026-11-28', or None")
        return _text({"format": FORMAT, "version": VERSION, "kind": self._kind, "date": date} | self._fields())

    def save(self, path: str | os.PathLike[str], *, date: str | None = None) -> None:
        """Write the model to a file, which load reads: the old file or the new one, whole, whatever happens meanwhile.

        date  as for to_json

        Raises OSError if the file cannot be written.
        """
        write_whole(path, self.to_json(date=date))

    def _fields(self) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def _from_fields(cls, fields: Fields) -> Self:
        raise NotImplementedError


def from_json(text: str | bytes) -> Any:
    """Return the model or layer that to_json wrote as text; ValueError says what is wrong with any other text."""
    if isinstance(text, (bytes, bytearray)):
        try:
            text = bytes(text).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"the model file is not UTF-8 at byte {error.start}; {_EXPECTED}") from None
    if not isinstance(text, str):
        raise TypeError(f"text is {named(text)}; expected the text that to_json wrote")
    fields = Fields(_parsed(text), "the model file")
    if fields.given.get("format") != FORMAT:
        fields.refuse(f"does not say {FORMAT!r} as 'format'")
    version = fields.whole("version", 1)
    if version > VERSION:
        raise ValueError(
            f"the model file has format version {version}, but this release reads up to {VERSION}: install a later pyperceptron"
        )
    fields.text_or_none("date")
    model = Stored._kinds[fields.one_of("kind", tuple(Stored._kinds))]._from_fields(fields)
    fields.refuse_others()
    return model


def load(path: str | os.PathLike[str]) -> Any:
    """Return the model or layer in a file that save wrote; ValueError, naming the file, if it is no such file."""
    with open(path, "rb") as file:
        try:
            content = file.read()
        except MemoryError:
            raise ValueError(f"{path}: {_TOO_LARGE}") from None
    try:
        return from_json(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


class Fields:
    """The fields of a JSON object, each taken once and checked; a wrong one is a ValueError that names it."""

    def __init__(self, given: Any, place: str) -> None:
        if not isinstance(given, dict):
            raise ValueError(f"{place} holds {_kind_of(given)}; {_EXPECTED}")
        self.given = given
        self._place = place
        self._left = set(given) - {"format"}

    def refuse(self, found: str) -> NoReturn:
        raise ValueError(f"{self._place} {found}; {_EXPECTED}")

    def refuse_others(self) -> None:
        """Refuse fields that nobody has taken."""
        if self._left:
            self.refuse(f"has a field {min(self._left)!r}, which is unknown")

    def has(self, name: str) -> bool:
        """Whether a field that earlier releases did not write is there and not null."""
        if self.given.get(name) is None:
            self._left.discard(name)
            return False
        return True

    def take(self, name: str) -> Any:
        if name not in self.given:
            self.refuse(f"has no field {name!r}")
        self._left.discard(name)
        return self.given[name]

    def _refuse_field(self, name: str, expected: str) -> NoReturn:
        raise ValueError(f"{self._place} has {named(self.given[name])} as {name!r}; expected {expected}")

    def whole(self, name: str, lowest: int, highest: int = 2**63 - 1) -> int:
        value = self.take(name)
        if type(value) is not int or not lowest <= value <= highest:
            self._refuse_field(name, f"a whole number from {lowest} to {highest}")
        return value

    def truth(self, name: str) -> bool:
        value = self.take(name)
        if type(value) is not bool:
            self._refuse_field(name, "true or false")
        return value

    def one_of(self, name: str, options: tuple[str, ...]) -> str:
        value = self.take(name)
        if type(value) is not str or value not in options:
            self._refuse_field(name, " or ".join(map(repr, options)))
        return value

    def text(self, name: str) -> str:
        value = self.take(name)
        if type(value) is not str:
            self._refuse_field(name, "a text")
        return value

    def null(self, name: str) -> None:
        """Take a field that a later release will use."""
        if self.take(name) is not None:
            self._refuse_field(name, "null")

    def text_or_none(self, name: str) -> str | None:
        value = self.take(name)
        if value is not None and type(value) is not str:
            self._refuse_field(name, "a text or null")
        return value

    def list_of(self, name: str, kind: type, expected: str) -> list[Any]:
        """Return a list whose elements are all of this very type."""
        values = self.take(name)
        if type(values) is not list or any(type(value) is not kind for value in values):
            self._refuse_field(name, f"a list of {expected}")
        return values

    def fields(self, name: str) -> Fields:
        return Fields(self.take(name), f"{self._place}'s {name!r}")

    def number(self, name: str) -> float:
        return self._vector(name, [self.take(name)], 1)[0]

    def numbers(self, name: str, count: int) -> array[float]:
        """Return a list of `count` finite numbers as a vector."""
        return self._vector(name, self.take(name), count)

    def rows(self, name: str, n_rows: int, count: int) -> list[array[float]]:
        """Return n_rows lists of `count` finite numbers as vectors."""
        values = self.take(name)
        if type(values) is not list or len(values) != n_rows:
            self._refuse_field(name, f"{counted(n_rows, 'list')} of {counted(count, 'number')}")
        return [self._vector(name, row, count) for row in values]

    def _vector(self, name: str, values: Any, count: int) -> array[float]:
        if type(values) is not list or len(values) != count or set(map(type, values)) - {float, int}:
            self._refuse_field(name, f"lists of {counted(count, 'number')}")
        try:
            vector = array("d", values)
        except OverflowError:
            vector = array("d", [float("inf")])
        if not isfinite(sum(vector)) and not all(map(isfinite, vector)):  # the sum alone may overflow
            self._refuse_field(name, "finite numbers")
        return vector


def to_value(value: Any, what: str) -> Any:
    """Return a label or a name in a form that JSON has: unchanged, or as {type: content}; ValueError if there is none."""
    kind = type(value)
    if hasattr(value, "item") and kind.__module__ == "numpy" and getattr(value.dtype, "kind", "") in "biufUS":
        value = value.item()  # a number or text of NumPy
        kind = type(value)
    if value is None or kind in (str, int, bool) or (kind is float and isfinite(value)):
        return value
    if kind is tuple:
        return {"tuple": [to_value(part, what) for part in value]}
    if kind is bytes:
        return {"bytes": value.decode("latin-1")}
    if kind.__module__ == "datetime" and kind.__name__ in ("date", "datetime"):
        return {kind.__name__: value.isoformat()}
    if kind.__name__ == "datetime64":
        return {"datetime64": [str(value), value.dtype.str]}
    raise ValueError(
        f"{what} {named(value)} is of type {kind.__name__}, which a model file cannot hold; expected a str, int, float, bool, "
        "bytes, date or a tuple of these: convert it before the fit"
    )


def from_value(value: Any, what: str, depth: int = 0) -> Any:
    """Undo to_value; ValueError for JSON that it does not write."""
    if value is None or type(value) in (str, int, bool) or (type(value) is float and isfinite(value)):
        return value
    if type(value) is dict and len(value) == 1:
        [(kind, content)] = value.items()
        try:
            if kind == "tuple" and type(content) is list and depth < _DEEPEST:
                return tuple([from_value(part, what, depth + 1) for part in content])
            if kind == "bytes":
                return content.encode("latin-1")
            if kind in ("date", "datetime"):
                import datetime

                return getattr(datetime, kind).fromisoformat(content)
            if kind == "datetime64":
                import numpy  # the labels were NumPy dates, which nothing else can hold

                text, dtype = content
                if dtype[1:3] == "M8":
                    return numpy.array([text], dtype)[0]
        except (TypeError, ValueError, AttributeError, ImportError):
            pass
    raise ValueError(
        f"{what} is {named(value)} in the model file; expected a text, a number, true, false or an object of a type"
    )


def _text(fields: dict[str, Any]) -> str:
    """Return fields as a JSON object, one to a line. Numbers are written so that they are read back exactly."""
    from json import JSONEncoder  # here and below only, as it takes milliseconds

    encode = JSONEncoder(allow_nan=False).encode
    return "{\n" + ",\n".join(f"{encode(name)}: {encode(value)}" for name, value in fields.items()) + "\n}\n"


def _parsed(text: str) -> Any:
    try:
        return _decoded(text)
    except RecursionError:
        raise ValueError(f"the model file is nested too deeply; {_EXPECTED}") from None
    except MemoryError:
        raise ValueError(_TOO_LARGE) from None
    except ValueError as error:  # JSONDecodeError, or a whole number of too many digits
        raise ValueError(f"the model file is no valid JSON ({error}); {_EXPECTED}") from None


def _decoded(text: str) -> Any:
    """Return what a JSON text holds, by the scanner of the standard library's package json.

    The package itself compiles regular expressions when it is imported, which takes as long as all else that a load does; so it
    is imported only if the scanner meets a fault, to say what it is, or if this Python does not have the scanner.
    """
    try:
        from _json import make_scanner

        found, end = make_scanner(_Context)(text, 0)  # type: ignore[arg-type]
        if not text[end:].strip(" \t\r\n"):
            return found
    except (ImportError, StopIteration):
        pass
    from json import JSONDecoder

    return JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant).decode(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice in an object")
    return found


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no finite number")


class _Context:
    """What the scanner is to do, as json.JSONDecoder would tell it."""

    strict = True
    object_hook = None
    object_pairs_hook = _object
    parse_float = float
    parse_int = int
    parse_constant = _refuse_constant


def _kind_of(value: Any) -> str:
    return {list: "a list", str: "a text", type(None): "null", bool: "true or false"}.get(type(value), "a number")
