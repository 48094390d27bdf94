"""The documentation: examples run, transcripts match the output, pictures are up to date, and links and names resolve."""

import doctest
import re
import runpy
import shlex
import shutil
from importlib import import_module
from pathlib import Path

import pytest

import pyperceptron as pp
from pyperceptron.cli import main

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted(DOCS.glob("*.md"))]
TEXTS = {document: document.read_text(encoding="utf-8") for document in DOCUMENTS}
EXAMPLES, COMMANDS = re.compile(r"^>>> ", re.MULTILINE), re.compile(r"^\$ ", re.MULTILINE)
TO_RUN = [document for document, text in TEXTS.items() if EXAMPLES.search(text) or COMMANDS.search(text)]


def named(document):
    return document.relative_to(ROOT).as_posix()


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_examples(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("module", ["activations", "matrix", "layer", "perceptron", "table", "csv_table"])
def test_examples_in_docstrings(module):
    results = doctest.testmod(import_module(f"pyperceptron.{module}"))
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("document", TO_RUN, ids=named)
def test_a_document_runs_from_top_to_bottom(document, each_backend, monkeypatch, capsys):
    """Examples and commands run in the order of the document, so one may use the names and the files of those before it."""
    monkeypatch.setenv("PYPERCEPTRON_BACKEND", each_backend)
    text, names, examples, commands = TEXTS[document], {}, 0, 0
    for block in re.finditer(r"^```(python|console)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        kind, content = block.groups()
        if kind == "python":
            examples += run_examples(content, names, named(document), text.count("\n", 0, block.start(2)))
        else:
            run_command(content, capsys)
            commands += 1
    assert (examples, commands) == (len(EXAMPLES.findall(text)), len(COMMANDS.findall(text)))


def run_examples(content, names, name, line):
    """Run the examples with these names, to which they add their own, and return how many they are."""
    test = doctest.DocTestParser().get_doctest(content, names, name, name, line)
    failures = []
    doctest.DocTestRunner(verbose=False).run(test, out=failures.append, clear_globs=False)
    names.update(test.globs)  # which the test has copied
    assert not failures, "".join(failures)
    return len(test.examples)


def run_command(transcript, capsys):
    """Run the command of a transcript and compare what it prints."""
    command, expected = transcript.split("\n", 1)
    assert command.startswith("$ pyperceptron ")
    expected = expected.replace("cython, python", ", ".join(pp.available_backends()))
    capsys.readouterr()
    assert main(shlex.split(command)[2:]) == 0
    remedy = "The compiled backend is not built here: the README explains how to build it.\n"
    printed = capsys.readouterr().out.replace(remedy, "")
    assert doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS), f"{command}\n{printed}"


def test_the_readme_and_the_guide_are_run():
    assert {"README.md", "docs/step-by-step.md"} <= set(map(named, TO_RUN))


def test_the_readme_names_every_option_of_the_demo(capsys):
    options = set(re.findall(r"--[a-z]+", printed_help("demo", capsys))) - {"--help"}
    assert options == {"--ask", "--backend", "--html", "--iterations", "--seed", "--steps"}
    for option in options:
        assert f"`{option}`" in TEXTS[README]


def test_the_help_of_the_demo_names_the_guide(capsys):
    [guide] = re.findall(r"docs/\S+\.md", printed_help("demo", capsys))
    assert (ROOT / guide).exists()
    assert f"({guide})" in TEXTS[README]


def printed_help(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    return capsys.readouterr().out


def test_the_source_distribution_has_the_documents_and_pictures():
    manifest = (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
    shipped = next(line.split()[2:] for line in manifest.splitlines() if line.startswith("recursive-include docs "))
    files = {path for path in DOCS.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {f"*{path.suffix}" for path in files} <= set(shipped)


def test_every_public_name_has_a_docstring_and_is_in_the_readme():
    for name in set(pp.__all__) - {"__version__"}:
        assert getattr(pp, name).__doc__, name
        assert f"`{name}" in TEXTS[README] or f"pp.{name}" in TEXTS[README], name


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_to_existing_files_and_headings(document):
    for link in re.findall(r"\]\(([^)]+)\)", TEXTS[document]):
        if ":" in link:
            continue
        path, _, heading = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not heading or heading in anchors(target), link


def anchors(document):
    """Return the names of the headings of a document in links, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_pictures_of_the_guides_are_up_to_date(each_backend):
    """If this fails, run docs/pictures.py and look at what it wrote."""
    for name, picture in runpy.run_path(str(DOCS / "pictures.py"))["guide_pictures"](each_backend).items():
        assert (DOCS / name).read_text(encoding="utf-8") == picture


def test_every_picture_is_made_by_the_script_and_shown_in_a_document():
    script = runpy.run_path(str(DOCS / "pictures.py"))
    names = {path.name for path in DOCS.glob("*.svg")}
    assert names == {*script["pictures"](), *script["guide_pictures"]()}
    links = {Path(link).name for text in TEXTS.values() for link in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)}
    assert names <= links


def test_changelog_has_an_entry_for_this_version():
    assert f"## {pp.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
