"""The backends, as fixtures: a test that takes one runs once for each backend that is built here."""

import os
import subprocess
import sys
from functools import partial

import pytest
from hypothesis import settings

import pyperceptron as pp
from pyperceptron.backends import backend_name, backend_of

# No deadline: a busy machine is no failure. Examples are not stored, so that every run is a run of its own.
settings.register_profile("ours", deadline=None, database=None)
settings.load_profile("ours")

BACKENDS = pp.available_backends()
REQUIRED = os.environ.get("PYPERCEPTRON_REQUIRE_EXTENSIONS", "0") not in ("", "0")


def pytest_configure():
    if REQUIRED and len(BACKENDS) < 2:
        pytest.exit(f"the compiled backend is required but {pp.__file__} has only {BACKENDS}", returncode=1)


def pytest_report_header():
    return f"pyperceptron {pp.__version__} from {os.path.dirname(pp.__file__)}, backends: {', '.join(BACKENDS)}"


@pytest.fixture(params=BACKENDS, scope="session")
def make_layer(request):
    """SigmoidLayer, on one of the backends."""
    return partial(pp.SigmoidLayer, backend=request.param)


@pytest.fixture(params=BACKENDS, scope="session")
def backend(request):
    """The module of one of the backends."""
    return backend_of(request.param)


@pytest.fixture(params=BACKENDS, scope="session")
def make_model(request):
    """Perceptron, on one of the backends."""
    return partial(pp.Perceptron, backend=request.param)


@pytest.fixture(scope="session")
def make_models():
    """Makes the same Perceptron on every backend that is built here."""
    return lambda **params: [pp.Perceptron(backend=backend, **params) for backend in BACKENDS]


@pytest.fixture(scope="session")
def make_layers():
    """Makes the same layer on every backend that is built here."""
    return lambda *args, **kwargs: [pp.SigmoidLayer(*args, backend=backend, **kwargs) for backend in BACKENDS]


@pytest.fixture(scope="session")
def make_reference():
    """SigmoidLayer, on the reference."""
    return partial(pp.SigmoidLayer, backend=BACKENDS[-1])


@pytest.fixture(scope="session")
def of_every_instruction_set():
    """What a script prints under each instruction set that this machine has, forced in a process of its own.

    Without the compiled backend there is but one, called "the reference".
    """

    def run(script):
        names = getattr(backend_of(backend_name()), "instruction_sets", lambda: ("the reference",))()
        return {
            name: subprocess.run(
                [sys.executable, "-c", script],
                env={**os.environ, "PYPERCEPTRON_INSTRUCTION_SET": name},
                capture_output=True,
                text=True,
                check=True,
                cwd="/",
            ).stdout
            for name in names
        }

    return run


@pytest.fixture
def without_the_compiled_backend(monkeypatch):
    """Call it, and for the rest of the test the compiled backend is not there."""

    def remove():
        monkeypatch.setitem(sys.modules, "pyperceptron.backends.cython", None)
        monkeypatch.delattr("pyperceptron.backends.cython", raising=False)

    return remove
