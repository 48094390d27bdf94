"""The guide "In production": it has each finding that the source can give, and its examples that need other packages run."""

import ast
import doctest
import itertools
import re
import shutil
import sys
from pathlib import Path

import pytest

import pyperceptron as pp
from pyperceptron import findings as diagnoses

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "in-production.md").read_text(encoding="utf-8")
PACKAGE = Path(pp.__file__).parent
SILENCE = "no findings"


# What the source can say.


def sentences_in_the_source():
    """Return the patterns of all sentences of findings, which are formatted strings in findings.py."""
    functions = {
        node.name: node
        for node in ast.walk(ast.parse(Path(diagnoses.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    return {pattern for function in functions.values() for pattern in patterns_in(function, functions)}


def patterns_in(function, functions):
    """Yield the patterns of what a function gives to Finding, or appends to a list of findings."""
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
        called = ast.unparse(call.func)
        if called == "Finding" or (called == "findings.append" and not is_finding(call.args[0])):
            yield from patterns_of(call.args[0], function, functions)


def is_finding(node):
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding"


def patterns_of(node, function, functions):
    """Yield the patterns of the strings that an expression may be; fail if that cannot be told."""
    if isinstance(node, ast.Name):
        assigned = [
            own.value
            for own in ast.walk(function)
            if isinstance(own, ast.Assign) and [ast.unparse(target) for target in own.targets] == [node.id]
        ]
        assert assigned, f"cannot tell which sentences {node.id} stands for in {function.name}"
        for value in assigned:
            yield from patterns_of(value, function, functions)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in functions:
        other = functions[ast.unparse(node.func)]
        for result in (own.value for own in ast.walk(other) if isinstance(own, ast.Return)):
            yield from patterns_of(result, other, functions)
    else:
        assert isinstance(node, (ast.Constant, ast.JoinedStr)), f"cannot tell which sentences {ast.unparse(node)} makes"
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        yield "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in parts)


def test_findings_are_made_in_one_module():
    makers = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if any(map(is_finding, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert makers == {"findings.py"}


# What the guide shows.


def sections():
    """Return for each finding's section, by its heading, the blocks of output in it, each on a line of its own."""
    parts = re.split(r"^### (.*)$", TEXT.partition("\n## Findings\n")[2], flags=re.MULTILINE)
    return dict(zip(parts[1::2], map(outputs, parts[2::2]), strict=True))


def outputs(markdown):
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL)
    return [
        " ".join(output.split())
        for kind, content in blocks
        for output in (
            [content] if kind == "text" else [example.want for example in doctest.DocTestParser().get_examples(content)]
        )
    ]


def test_the_guide_has_a_section_for_each_finding_of_the_source():
    shown = sections()
    found = set()
    for heading, blocks in shown.items():
        own = {pattern for pattern in sentences_in_the_source() if any(re.match(pattern, block) for block in blocks)}
        assert len(own) == 1, f"the section {heading!r} shows {own or 'no sentence of a finding'}"
        found |= own
    assert not sentences_in_the_source() - found, "the guide has no section for these"
    assert len(found) > 15


def test_each_section_ends_with_a_training_that_has_no_findings():
    for heading, blocks in sections().items():
        if heading != "The compiled backend is missing":
            assert any(SILENCE in block for block in blocks[1:]) or SILENCE in blocks[0].partition(". ")[2], heading


@pytest.mark.filterwarnings("ignore::pyperceptron.TrainingWarning")  # of a descent that stops early
def test_the_sentence_about_the_missing_backend(without_the_compiled_backend, monkeypatch):
    monkeypatch.delenv("PYPERCEPTRON_BACKEND", raising=False)
    monkeypatch.setattr(diagnoses, "_SLOW", 100_000)
    without_the_compiled_backend()
    X, y = [[i % 7, i % 11] for i in range(100)], [i % 2 for i in range(100)]
    model = pp.Perceptron(solver="gd", tol=0.0, max_iter=30).fit(X, y)
    [shown] = sections()["The compiled backend is missing"]
    assert shown in model.findings_
    assert shown not in model.set_params(backend="python").fit(X, y).findings_


# Examples without prompts, each a program of its own, whose output is the next block.

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PROGRAMS = [
    (program, output if what == "text" else "")
    for (kind, program), (what, output) in itertools.pairwise(BLOCKS)
    if kind == "python" and ">>> " not in program
]


def packages_of(program):
    """Return the packages that a program imports besides this one and the standard library."""
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(program))
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [own.name for own in getattr(node, "names", ())])
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    return imported - set(sys.stdlib_module_names) - {"pyperceptron"}


@pytest.mark.parametrize(("program", "expected"), PROGRAMS, ids=[" ".join(program.split()[:6]) for program, _ in PROGRAMS])
def test_programs_in_the_guide(program, expected, each_backend, monkeypatch, tmp_path, capsys):
    packages = packages_of(program) | ({"matplotlib"} if "plot" in program or "Display" in program else set())
    assert packages, "an example that needs no other package has prompts"
    for package in packages:
        pytest.importorskip(package)
    if "matplotlib" in packages:
        monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("PYPERCEPTRON_BACKEND", each_backend)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "docs/in-production.md", "exec"), {})
    if "matplotlib" in packages:
        sys.modules["matplotlib.pyplot"].close("all")
    assert capsys.readouterr().out == expected
