"""Fixtures for the backends; most are parametrized over every available backend."""

import gc
import os
import signal
import subprocess
import sys
from functools import partial

import pytest
from hypothesis import settings
from pages import CHROMIUM, until

import pyperceptron as pp
from pyperceptron.backends import backend_name, backend_of

# No deadline, because a slow machine is not a failure. No example database, so that runs are independent.
settings.register_profile("ours", deadline=None, database=None)
settings.load_profile("ours")

BACKENDS = pp.available_backends()
REQUIRED = os.environ.get("PYPERCEPTRON_REQUIRE_EXTENSIONS", "0") not in ("", "0")


def pytest_configure():
    # A shell makes its background jobs ignore Ctrl-C, and so their children: the tests of Ctrl-C would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if REQUIRED and len(BACKENDS) < 2:
        pytest.exit(f"the compiled backend is required but {pp.__file__} has only {BACKENDS}", returncode=1)


def pytest_report_header():
    return f"pyperceptron {pp.__version__} from {os.path.dirname(pp.__file__)}, backends: {', '.join(BACKENDS)}"


def pytest_collection_finish():
    """Spare the garbage collector the thousands of tests, which live to the end: a quarter of the time of short tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=BACKENDS, scope="session")
def each_backend(request):
    """The name of one of the available backends; the fixtures below that a test uses have the same one."""
    return request.param


@pytest.fixture(scope="session")
def backend(each_backend):
    """The module of the backend."""
    return backend_of(each_backend)


@pytest.fixture(scope="session")
def make_layer(each_backend):
    """SigmoidLayer with its backend fixed."""
    return partial(pp.SigmoidLayer, backend=each_backend)


@pytest.fixture(scope="session")
def make_model(each_backend):
    """Perceptron with its backend fixed."""
    return partial(pp.Perceptron, backend=each_backend)


@pytest.fixture(scope="session")
def make_models():
    """Return a function that makes the same Perceptron on every available backend."""
    return lambda **params: [pp.Perceptron(backend=backend, **params) for backend in BACKENDS]


@pytest.fixture(scope="session")
def make_layers():
    """Return a function that makes the same layer on every available backend."""
    return lambda *args, **kwargs: [pp.SigmoidLayer(*args, backend=backend, **kwargs) for backend in BACKENDS]


@pytest.fixture(scope="session")
def of_every_instruction_set():
    """Return a function that runs a script in a subprocess per supported instruction set and maps each to its output.

    The subprocesses run at the same time. Without the compiled backend the only key is "the reference".
    """

    def run(script):
        names = getattr(backend_of(backend_name()), "instruction_sets", lambda: ("the reference",))()
        started = {
            name: subprocess.Popen(
                [sys.executable, "-c", script],
                env={**os.environ, "PYPERCEPTRON_INSTRUCTION_SET": name},
                stdout=subprocess.PIPE,
                text=True,
                cwd="/",
            )
            for name in names
        }
        outputs = {name: process.communicate()[0] for name, process in started.items()}
        assert not any(process.returncode for process in started.values())
        return outputs

    return run


@pytest.fixture
def without_the_compiled_backend(monkeypatch):
    """Return a function that makes the compiled backend impossible to import for the rest of the test."""

    def remove():
        monkeypatch.setitem(sys.modules, "pyperceptron.backends.cython", None)
        monkeypatch.delattr("pyperceptron.backends.cython", raising=False)

    return remove


@pytest.fixture(scope="module")
def browser():
    """Chromium; without it, or the extra "browser", its tests are skipped."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[browser]'")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install --no-install-recommends chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Return a function that opens a page and waits for its first message, if it shows any; it must do nothing wrong."""
    contexts, wrong = [], []

    def open_(path, fragment="", **how):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **how})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        own = path.as_uri()
        page.on("request", lambda request: request.url.startswith((own, "data:", "blob:")) or wrong.append(request.url))
        page.goto(own + fragment)
        until(page, "document.querySelector('#message')?.textContent !== ''")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []
