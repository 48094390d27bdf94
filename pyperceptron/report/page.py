"""An HTML page in one file, which runs nothing but its own script and loads nothing over a network."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def page(title: str, body: str, style: str, *, other_styles: Iterable[str] = (), script: str = "", data: Any = None) -> str:
    """Return the text of a page.

    title, body   HTML
    style         the style sheet of the page
    other_styles  texts of style elements in the body, as pictures have them
    script        runs as a module after the body; empty for a page without
    data          for the script, JSON in the element #page-data

    Its content policy admits the styles and the script by their hashes.
    """
    own_script = _hash(script) if script else "'none'"
    policy = (
        f"default-src 'none'; script-src {own_script}; "
        f"style-src {' '.join(map(_hash, [style, *other_styles]))}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    scripts = ""
    if script:
        scripts = (
            f'<script type="application/json" id="page-data">{_json(data)}</script>\n<script type="module">{script}</script>\n'
        )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f'<link rel="icon" href="data:,">\n<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}{scripts}'
        "</body>\n</html>\n"
    )


def asset(name: str) -> str:
    """Return the text of a file beside this module."""
    from importlib.resources import files

    return (files("pyperceptron.report") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the source expression of a content policy that admits this inline text."""
    from base64 import b64encode
    from hashlib import sha256

    return f"'sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _json(data: Any) -> str:
    """Return JSON in ASCII that no text in it can end: a `<` stands as an escape."""
    from json import dumps

    return dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
