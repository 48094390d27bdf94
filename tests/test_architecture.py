"""The architecture: which module may import which, what an import loads, and where a backend may be named."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pyperceptron

PACKAGE = Path(pyperceptron.__file__).parent

# A module imports only from levels above its own in this list.
LEVELS = [
    {"checks", "exceptions", "history", "parameters", "progress", "vectors", "whole_file"},
    {"table", "text_source"},
    {"notation"},
    {"csv_file"},
    {"csv_table"},
    {"arrow", "matrix", "model_file"},
    {"activations", "seeding"},
    {"losses"},
    {"backends.python.by_columns", "backends.python.linear_algebra", "backends.python.prediction"},
    {"backends.python.linear_loss"},
    {"backends.python.lesson"},
    {"backends.python", "backends.cython"},
    {"backends"},
    {"chunks", "frames"},
    {"containers"},
    {"encoding", "labels"},
    {"samples", "columns"},
    {"metrics", "model", "objective", "weights"},
    {"coefficients", "evaluation", "orthogonal", "row_preconditioner", "stored_model"},
    {"degeneracy", "inspection"},
    {"stopping"},
    {"column_model", "preconditioners"},
    {"quasi_newton"},
    {"proximal_newton"},
    {"solvers"},
    {"findings"},
    {"training"},
    {"fitting"},
    {"curves", "drawing", "neurons"},
    {"plot", "svg"},
    {"exports.description"},
    {"exports.c", "exports.examples", "exports.javascript", "exports.onnx", "exports.python"},
    {"report.page"},
    {"report.html"},
    {"report.charts", "report.training"},
    {"report.model"},
    {"exports", "report"},
    {"layer", "perceptron"},
    {"demo"},
    {"cli.command", "cli.parser"},
    {"cli.answers", "cli.files", "cli.lines", "cli.progress"},
    {"cli.evaluation_lines", "cli.reading"},
    {"cli.demo", "cli.evaluate", "cli.export", "cli.inspect", "cli.predict", "cli.train"},
    {"cli"},
    {"__main__"},
]
LEVEL = {module: level for level, modules in enumerate(LEVELS) for module in modules}
MODULES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py"
}


def imported_modules(path):
    """Yield the modules of this package that a file imports, at the top level or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name.removeprefix("pyperceptron.") in LEVEL else node.module for name in full]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("pyperceptron.") for name in names if name.startswith("pyperceptron."))


def test_every_module_has_a_level():
    assert set(MODULES) == set(LEVEL) - {"backends.cython"}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_modules_import_only_from_earlier_levels(module):
    for imported in imported_modules(MODULES[module]):
        assert LEVEL[imported] < LEVEL[module], f"{module} imports {imported}"


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"backends", "exports"}))
def test_only_the_backends_package_hard_codes_backend_names(module):
    """The exports are exempt because Python is a target of them too; docstrings may mention them."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert not constants & {"python", "cython"}


@pytest.mark.parametrize("module", [*sorted(MODULES), ""])
def test_module_docstring_starts_with_a_one_line_summary(module):
    path = MODULES.get(module, PACKAGE / "__init__.py")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring is not None
    first = docstring.splitlines()[0]
    assert first.endswith(".")
    assert len(first) < 130


@pytest.mark.parametrize("module", sorted(MODULES))
def test_messages_are_ascii(module):
    """A terminal with another encoding could not print them; docstrings are exempt."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    assert [node.value for node in constants if id(node) not in docstrings and not node.value.isascii()] == []


def test_import_loads_only_standard_library_modules():
    script = (
        "import sys; before = set(sys.modules); import pyperceptron; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    loaded = set(ran.stdout.split())
    assert "pyperceptron" in loaded
    # Cython registers internal modules that have no file, so they are not dependencies.
    foreign = {name for name in loaded - {"pyperceptron"} if name not in sys.stdlib_module_names}
    assert not {name for name in foreign if not name.startswith(("_cython_", "cython_runtime"))}
    assert not loaded & {"argparse", "dataclasses", "inspect", "json", "random", "re", "typing", "unittest"}


def test_training_on_lists_does_not_import_numpy():
    script = (
        "import sys, pyperceptron as pp; pp.SigmoidLayer(1, seed=1).train([[1]], [1], 9).forward([[1]]); "
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=PACKAGE.parent)
