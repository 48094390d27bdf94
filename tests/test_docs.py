"""The documentation: examples run, transcripts match the output, and links and names resolve."""

import doctest
import re
import shlex
import shutil
from importlib import import_module
from pathlib import Path

import pytest

import pyperceptron as pp
from pyperceptron.cli import main

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the examples, in which one transcript finds the files that another has written."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("module", ["activations", "matrix", "layer", "perceptron", "table", "csv_table"])
def test_examples_in_docstrings(module):
    results = doctest.testmod(import_module(f"pyperceptron.{module}"))
    assert results.attempted > 0
    assert results.failed == 0


def test_examples_in_the_readme():
    results = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert results.attempted > 10
    assert results.failed == 0


@pytest.mark.parametrize("transcript", re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL))
def test_transcripts_in_the_readme(capsys, transcript):
    command, expected = transcript.split("\n", 1)
    assert command.startswith("$ pyperceptron ")
    expected = expected.replace("cython, python", ", ".join(pp.available_backends()))
    assert main(shlex.split(command)[2:]) == 0
    remedy = "The compiled backend is not built here: the README explains how to build it.\n"
    printed = capsys.readouterr().out.replace(remedy, "")
    assert doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS), printed


def test_the_readme_names_every_option_of_the_demo(capsys):
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    assert options == {"--ask", "--backend", "--html", "--iterations", "--seed", "--steps"}
    for option in options:
        assert f"`{option}`" in TEXT


def test_every_public_name_has_a_docstring_and_is_in_the_readme():
    for name in set(pp.__all__) - {"__version__"}:
        assert getattr(pp, name).__doc__, name
        assert f"`{name}" in TEXT or f"pp.{name}" in TEXT, name


def test_readme_links_to_existing_files():
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (README.parent / target).exists(), target


def test_changelog_has_an_entry_for_this_version():
    assert f"## {pp.__version__}" in (README.parent / "CHANGELOG.md").read_text(encoding="utf-8")
