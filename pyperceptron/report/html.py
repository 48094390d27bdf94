"""Elements of HTML, in which every text from elsewhere is escaped."""

from __future__ import annotations

from pyperceptron.drawing import clipped, escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


LONGEST = 40  # letters of a name
_LONGEST_TITLE = 200


class Html(str):
    """A text that is HTML already."""

    __slots__ = ()


def element(name: str, *content: str | None, **attributes: str | None) -> Html:
    """Return an element: Html in its content stays as it is, other texts are escaped, None is left out.

    attributes  `class_` stands for class, and any other underscore for a hyphen
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"' for key, value in attributes.items() if value is not None
    )
    inside = "".join(part if isinstance(part, Html) else escaped(part) for part in content if part is not None)
    return Html(f"<{name}{given}>{inside}</{name}>")


def joined(parts: Iterable[Html]) -> Html:
    """Return elements one after the other, each on a line."""
    return Html("\n".join(parts))


def cell(content: str, style: str) -> Html:
    """Return a cell of a table with a class of the style sheet."""
    return element("td", content, class_=style)


def table(label: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """Return a table that scrolls sideways if it is too wide; the first cell of each row is its heading.

    label  what a screen reader calls it
    """
    headings = element("tr", *(element("th", _isolated(text), scope="col") for text in head))
    body = joined(element("tr", element("th", _isolated(first), scope="row"), *map(_cell, cells)) for first, *cells in rows)
    whole = element("table", element("thead", headings), element("tbody", body))
    return element("div", whole, class_="scroll", tabindex="0", role="group", aria_label=label)


def _cell(content: str) -> Html:
    return content if isinstance(content, Html) and content.startswith("<td") else element("td", content)


def _isolated(text: str) -> Html:
    """Return a text whose direction of writing ends with it, shortened; a mouse shows more of it."""
    short = clipped(text, LONGEST)
    return element("span", short, class_="bdi", title=None if short == text else text[:_LONGEST_TITLE])
