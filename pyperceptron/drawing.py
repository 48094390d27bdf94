"""Plain SVG: shapes and texts in a card that is readable in light, in dark and in print, whatever page it stands on."""

from __future__ import annotations

from math import floor, log10

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_TITLE = 200
_MOST_POWERS = 6
# Blue and orange differ for the colour-blind too, and dashes tell the signs apart in print. Each class has a prefix, as the
# style sheet of a picture in a page holds for the whole page.
_LIGHT = {
    "card": "fill:#fcfcfb;stroke:#dfe1e4",
    "text": "fill:#1d2024",
    "muted": "fill:#5a6067",
    "line": "stroke:#dfe1e4",
    "axis": "stroke:#5a6067",
    "node": "fill:#fcfcfb;stroke:#5a6067",
    "wire": "stroke:#1d2024",
    "curve": "fill:none;stroke:#1d2024",
    "dot": "fill:#1d2024",
    "up": "fill:none;stroke:#0b62b0",
    "down": "fill:none;stroke:#ad5006",
    "up-text": "fill:#0b62b0",
    "down-text": "fill:#ad5006",
}
_DARK = {
    "#fcfcfb": "#15171a",
    "#dfe1e4": "#33383e",
    "#1d2024": "#e7e9eb",
    "#5a6067": "#a1a8b0",
    "#0b62b0": "#74b6f7",
    "#ad5006": "#f2a55c",
}
_FAMILY = 'system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif'
_FONT = f"font-family:{_FAMILY};font-variant-numeric:tabular-nums"
_SHAPES = (
    f".pp-text,.pp-muted,.pp-up-text,.pp-down-text{{{_FONT};font-size:13px}}"
    ".pp-muted{font-size:12px}.pp-strong,.pp-bold{font-weight:600}.pp-strong{font-size:15px}"
    ".pp-symbol{font-size:23px}.pp-picture{max-width:100%}.pp-middle{text-anchor:middle}.pp-end{text-anchor:end}"
    ".pp-wire,.pp-node{stroke-width:1.5px}.pp-curve{stroke-width:2px;stroke-linejoin:round;stroke-linecap:round}"
    ".pp-down{stroke-dasharray:9 5}"
)


class Picture(str):
    """The text of an SVG image, which a notebook shows as an image; `print(picture, file=...)` writes it to a file."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


class Drawing:
    """An SVG image in the making.

    width, height  in pixels; whoever draws sets the height when it is known
    """

    def __init__(self, width: float) -> None:
        self.width = width
        self.height = 0.0
        self._parts: list[str] = []

    def text(self, x: float, y: float, content: str, classes: str = "text", title: str = "") -> None:
        """Write a line of text with its baseline at y; `title` is shown where a mouse rests on it."""
        hover = f"<title>{escaped(title[:_LONGEST_TITLE])}</title>" if title else ""
        self._add(f'<text x="{_short(x)}" y="{_short(y)}" class="{_classes(classes)}">{hover}{escaped(content)}</text>')

    def symbol(self, x: float, y: float, code: int) -> None:
        """Write one letter, by its number in Unicode, around (x, y)."""
        self._add(f'<text x="{_short(x)}" y="{_short(y + 8)}" class="pp-text pp-symbol pp-middle">&#{code};</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, classes: str, width: float = 1.0) -> None:
        ends = f'x1="{_short(x1)}" y1="{_short(y1)}" x2="{_short(x2)}" y2="{_short(y2)}"'
        stroke = f' stroke-width="{_short(width)}"' if width != 1 else ""
        self._add(f'<line {ends} class="{_classes(classes)}"{stroke}/>')

    def path(self, points: Iterable[tuple[float, float]], classes: str = "curve") -> None:
        """Draw straight lines from point to point."""
        joined = "L".join(f"{_short(x)} {_short(y)}" for x, y in points)
        self._add(f'<path d="M{joined}" class="{_classes(classes)}"/>')

    def bend(self, xs: tuple[float, float, float, float], y1: float, y2: float, classes: str, width: float) -> None:
        """Draw a line that is level at y1 from the first x to the second, and level at y2 from the third to the fourth."""
        start, bent, straight, end = map(_short, xs)
        middle, above, below = _short((xs[1] + xs[2]) / 2), _short(y1), _short(y2)
        path = f"M{start} {above}H{bent}C{middle} {above} {middle} {below} {straight} {below}H{end}"
        self._add(f'<path d="{path}" class="{_classes(classes)}" stroke-width="{_short(width)}"/>')

    def circle(self, x: float, y: float, radius: float, classes: str) -> None:
        self._add(f'<circle cx="{_short(x)}" cy="{_short(y)}" r="{_short(radius)}" class="{_classes(classes)}"/>')

    def pill(self, x: float, y: float, width: float, height: float, classes: str = "node") -> None:
        """Draw a rectangle with round ends around (x, y)."""
        corner = f'x="{_short(x - width / 2)}" y="{_short(y - height / 2)}"'
        size = f'width="{_short(width)}" height="{_short(height)}" rx="{_short(height / 2)}"'
        self._add(f'<rect {corner} {size} class="{_classes(classes)}"/>')

    def picture(self, label: str) -> Picture:
        """Return the image; a screen reader reads the label."""
        width, height = _short(self.width), _short(self.height)
        inside = f'width="{_short(self.width - 1)}" height="{_short(self.height - 1)}"'
        return Picture(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'class="pp-picture" role="img" aria-label="{escaped(label)}">\n'
            f"<style>{STYLE}</style>\n"
            f'<rect x="0.5" y="0.5" {inside} rx="10" class="pp-card"/>\n' + "\n".join(self._parts) + "\n</svg>\n"
        )

    def _add(self, element: str) -> None:
        self._parts.append(element)


def _rules(other_colours: dict[str, str]) -> str:
    rules = "".join(f".pp-{name}{{{rule}}}" for name, rule in _LIGHT.items())
    for colour, other in other_colours.items():
        rules = rules.replace(colour, other)
    return rules


STYLE = f"{_SHAPES}{_rules({})}@media screen and (prefers-color-scheme:dark){{{_rules(_DARK)}}}"  # of every picture


def _classes(names: str) -> str:
    return " ".join(f"pp-{name}" for name in names.split())


def _short(number: float) -> str:
    """Return a coordinate with one decimal, if it needs one."""
    return f"{number:.1f}".removesuffix(".0")


def escaped(text: str) -> str:
    """Return any text for XML, in ASCII; what cannot be printed, such as a change of direction, is written as Python does."""
    printable = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        printable = printable.replace(letter, entity)
    return printable.encode("ascii", "xmlcharrefreplace").decode("ascii")


def clipped(text: str, longest: int) -> str:
    """Return a text of at most `longest` columns, its middle left out; a wide letter, such as a Chinese one, takes two."""
    if len(text) > 4 * longest:
        text = text[: 2 * longest] + text[-2 * longest :]
    widths = _columns(text)
    if sum(widths) <= longest:
        return text
    first, last, used = 0, len(text), 3
    while True:
        at_front = first <= len(text) - last
        used += widths[first if at_front else last - 1]
        if used > longest:
            return f"{text[:first]}...{text[last:]}"
        first, last = first + at_front, last - (not at_front)


def _columns(text: str) -> list[int]:
    """Return how many columns each letter takes; one that cannot be printed is written as an escape."""
    from unicodedata import east_asian_width

    return [2 if east_asian_width(letter) in "WF" else 1 if letter.isprintable() else 6 for letter in text]


def decimals(number: float, places: int) -> str:
    """Return a number with so many decimals, or with digits instead if it is very large or small."""
    size = abs(number)
    if size == 0 or 10.0 ** (3 - places) <= size < 1e6:
        return f"{number:.{places}f}"
    return f"{number:.{places - 2}g}"


def text_width(text: str) -> float:
    """Return about how wide a text is, in pixels at 13 pixels a letter."""
    return 8.2 * sum(_columns(text))


def round_ticks(lowest: float, highest: float, count: int) -> list[float]:
    """Return about `count` round numbers, evenly spaced, the first at most `lowest` and the last at least `highest`."""
    raw = (highest - lowest) / count
    power = 10.0 ** floor(log10(raw))
    step = next(factor for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9)) * power
    first, last = floor(lowest / step + 1e-9), -floor(-highest / step + 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def powers_of_ten(lowest: float, highest: float) -> list[float]:
    """Return the powers of ten, or some of them, evenly spaced, the first at most `lowest` and the last at least `highest`."""
    first, last = floor(log10(lowest) + 1e-9), -floor(-log10(highest) + 1e-9)
    every = -(-(last - first) // _MOST_POWERS) or 1
    return [10.0**power for power in range(first, last + every, every)]
