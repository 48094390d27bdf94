"""The command line: output, error messages and help."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import zipapp
from pathlib import Path

import pytest

import pyperceptron as pp
from pyperceptron.backends import backend_of
from pyperceptron.cli import main

BACKENDS = pp.available_backends()


def run(capsys, *arguments):
    """Run the command; return its exit code, standard output and standard error."""
    try:
        code = main(arguments)
    except SystemExit as stopped:
        code = stopped.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


LESSON_DIGITS = [
    "-0.16595599", "0.44064899", "-0.99977125",
    "0.26898640", "0.32627570", "0.23762817", "0.36375058",
    "-0.72507825",
    "10.38040701", "-0.20641179", "-4.98452047",
    "0.00679672", "0.99445583", "0.99548516", "0.00553614",
    "0.99996897",
]  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
def test_demo_prints_the_lessons_digits(capsys, backend):
    code, out, err = run(capsys, "demo", "--backend", backend)
    assert (code, err) == (0, "")
    for digits in LESSON_DIGITS:
        assert digits in out
    assert f"by the {backend} backend" in out
    assert out.rstrip().endswith("So the neuron answers 1.")


def test_demo_output_is_the_same_on_every_backend(capsys):
    texts = {re.sub("done in .*", "", run(capsys, "demo", "--steps", "2", "--backend", backend)[1]) for backend in BACKENDS}
    assert len(texts) == 1


@pytest.mark.parametrize("written", ["-1e-3", "-.5", "-1_0.", "-5", "-0", "+1e3", ".5"])
@pytest.mark.parametrize("before", [("--ask",), ("--iterations", "9", "--ask"), "="])
def test_every_number_is_taken_with_its_sign(capsys, written, before):
    arguments = [f"--ask={written}"] if before == "=" else [*before, written]
    code, out, err = run(capsys, "demo", *arguments, "1", written)
    assert (code, err) == (0, "")
    told = [float(number) for number in re.search("A new situation: (.*)", out)[1].split()]
    assert told == [float(written), 1, float(written)]


def test_demo_output_has_no_escape_codes_and_fits_80_columns(capsys):
    _, out, _ = run(capsys, "demo", "--steps", "3", "--seed", "5", "--ask", "-1.5", "0.25", "1e150")
    assert "\033" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_demo_options(capsys):
    _, out, _ = run(capsys, "demo", "--iterations", "10_000", "--ask", "0", "1", "0.5", "--steps", "1")
    for number in ("9.67299303", "-0.20784350", "-4.62963669"):
        assert number in out
    assert "Training: 10,000 times" in out
    assert "A new situation: 0  1  0.5" in out
    [[answer]] = (
        pp.SigmoidLayer(3, seed=1)
        .train([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0], 10_000)
        .forward([[0, 1, 0.5]])
    )
    assert f"= {answer:.8f}" in out
    assert out.rstrip().endswith("So the neuron answers 0.")
    assert "Step 1" in out
    assert "Step 2" not in out
    for number in ("0.19663272", "-0.05289153", "0.28621005", "0.12025406", "0.50456196", "-0.85063774"):
        assert number in out
    _, out, _ = run(capsys, "demo", "--seed", "2")
    [[first], *_] = pp.SigmoidLayer(3, seed=2).weights
    assert f"{first:.8f}" in out


@pytest.mark.parametrize("ask", [("1.23456789", "1234567.8", "-0.001"), ("1e150", "1e150", "1e150"), ("0", "0", "0")])
def test_demo_weighted_sum_matches_its_printed_terms(capsys, ask):
    """Recompute the weighted sum from the printed factors (exact) and weights (eight decimals)."""
    _, out, _ = run(capsys, "demo", "--ask", *ask)
    told = out.split("A new situation")[1].splitlines()
    products = [line.split("= ", 1)[-1].split("+ ", 1)[-1].split(" * ") for line in told if " * " in line]
    assert [float(factor) for factor, _ in products] == [float(value) for value in ask]
    total = float(told[4].split("= ")[1])
    expected = sum(float(factor) * float(weight) for factor, weight in products)
    assert total == pytest.approx(expected, abs=2e-8 * (1 + sum(abs(float(factor)) for factor in ask)))
    assert "nan" not in out


@pytest.mark.parametrize("zeros", [("0", "0", "0"), ("-0", "0.0", "0e5")])
@pytest.mark.parametrize("seed", ["1", "7"])
def test_the_demo_answers_a_tie_with_a_half(capsys, zeros, seed):
    _, out, _ = run(capsys, "demo", "--seed", seed, "--iterations", "50", "--ask", *zeros)
    assert "So the neuron answers 0.5: neither 0 nor 1.\n  A neuron without a bias can say nothing else here" in out
    assert max(map(len, out.splitlines())) <= 80
    [[biased]] = pp.SigmoidLayer(3, seed=1, bias=True).train([[0, 0, 0]], [1], 500).forward([[0, 0, 0]])
    assert biased > 0.9


def test_the_demo_says_of_other_ties_only_what_is_true(capsys):
    """The weighted sum is so near 0 that the output is 0.5, but another weight could change that."""
    _, out, _ = run(capsys, "demo", "--iterations", "50", "--ask", "1e-30", "0", "0")
    assert out.rstrip().endswith("So the neuron answers 0.5: neither 0 nor 1.")


needs_dev_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
EVERY_COMMAND = ("--version", "--help", "demo --iterations 9", "demo --help")
FULL = pytest.param(">/dev/full", "No space left on device", marks=needs_dev_full)
CLOSED = (">&-", "standard output is closed")


def in_a_shell(command, **environment):
    """Run a shell command in which `pyperceptron` is the command; return its exit code, standard output and standard error."""
    command = f"pyperceptron() {{ '{sys.executable}' -m pyperceptron \"$@\"; }}; {command}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd="/", env={**os.environ, **environment})
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", EVERY_COMMAND)
@pytest.mark.parametrize(("redirection", "why"), [FULL, CLOSED])
def test_output_that_cannot_be_written_is_one_line_and_exit_code_1(command, redirection, why, unbuffered):
    ran = in_a_shell(f"pyperceptron {command} {redirection}", PYTHONUNBUFFERED=unbuffered)
    assert ran == (1, "", f"pyperceptron: cannot write: {why}\n")


@needs_dev_full
@pytest.mark.parametrize("redirections", [">/dev/full 2>/dev/full", ">&- 2>&-", ">/dev/full 2>&-"])
def test_the_exit_code_is_the_same_if_standard_error_cannot_be_written_either(redirections):
    assert in_a_shell(f"pyperceptron demo --iterations 9 {redirections}") == (1, "", "")
    assert in_a_shell(f"pyperceptron demo --seed x {redirections.split()[-1]}") == (2, "", "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [*EVERY_COMMAND, "demo --steps 500"])
def test_closed_pipe_is_not_an_error(command, unbuffered):
    """`true` ends without reading."""
    ran = in_a_shell(f"(sleep 0.1; pyperceptron {command}) | true; exit ${{PIPESTATUS[0]}}", PYTHONUNBUFFERED=unbuffered)
    assert ran == (0, "", "")


def test_head_reads_as_much_as_it_wants():
    ran = in_a_shell("pyperceptron demo --steps 500 | head -1; exit ${PIPESTATUS[0]}")
    assert ran == (0, "One neuron, three inputs, no hidden layer\n", "")


def test_ctrl_c_is_one_line_and_exit_code_130():
    """It arrives when the first output has been read, in training or while more is written."""
    for arguments in (["--iterations", str(2**62)], ["--steps", str(2**62)]):
        command = [sys.executable, "-u", "-m", "pyperceptron", "demo", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/") as process:
            try:
                assert process.stdout.readline() == "One neuron, three inputs, no hidden layer\n"
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=60)
            finally:
                process.kill()
        assert (process.returncode, err) == (130, "interrupted\n")


def test_ctrl_c_during_the_import_is_one_line_and_exit_code_130():
    """It arrives when the program imports the package, or one of its modules."""
    program = """
import os, signal, sys
class Presses:
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Presses())
from pyperceptron_command import main
sys.exit(main())
"""
    for module in ("pyperceptron", "pyperceptron.layer", "pyperceptron.cli"):
        ran = subprocess.run([sys.executable, "-c", program, module], capture_output=True, text=True, cwd="/")
        assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize("command", ["--version", "demo"])
def test_a_wrong_variable_is_one_line_and_exit_code_2(command):
    wanted = {"PYPERCEPTRON_BACKEND": "$PYPERCEPTRON_BACKEND is 'foo'; expected 'auto', 'cython' or 'python'"}
    if len(BACKENDS) > 1:
        sets = backend_of("cython").instruction_sets()
        wanted["PYPERCEPTRON_INSTRUCTION_SET"] = (
            f"$PYPERCEPTRON_INSTRUCTION_SET is 'foo'; this machine has {', '.join(sets)}: name one of them or unset it"
        )
    for variable, sentence in wanted.items():
        code, _, err = in_a_shell(f"pyperceptron {command}", **{variable: "foo"})
        assert (code, err.split(": ", 1)[1]) == (2, f"{sentence}\n")
        assert in_a_shell("pyperceptron --help", **{variable: "foo"})[::2] == (0, "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["demo", "--iterations", "x"], "argument --iterations: 'x' is not a whole number from 1 to 9223372036854775807"),
        (["demo", "--iterations", "0"], "argument --iterations: '0' is not a whole number from 1 to 9223372036854775807"),
        (["demo", "--iterations", "9223372036854775808"], "argument --iterations: '9223372036854775808' is not a whole"),
        (["demo", "--steps", "-1"], "argument --steps: '-1' is not a whole number from 0 to 9223372036854775807"),
        (["demo", "--seed", "-1"], "argument --seed: '-1' is not a whole number from 0 to 4294967295"),
        (["demo", "--seed", "1.5"], "argument --seed: '1.5' is not a whole number from 0 to 4294967295"),
        (["demo", "--ask", "1", "-inf", "0"], "argument --ask: '-inf' is not a number from -1e150 to 1e150"),
        (["demo", "--ask=-1e151", "0", "0"], "argument --ask: '-1e151' is not a number from -1e150 to 1e150"),
        (["demo", "--ask", "1", "0"], "argument --ask: expected 3 arguments"),
        (["demo", "--ask", "1", "nan", "0"], "argument --ask: 'nan' is not a number from -1e150 to 1e150"),
        (["demo", "--ask", "1", "0", "1e400"], "argument --ask: '1e400' is not a number from -1e150 to 1e150"),
        (["demo", "--ask", "1", "a", "0"], "argument --ask: 'a' is not a number from -1e150 to 1e150"),
        (["demo", "--backend", "numpy"], "argument --backend: invalid choice: 'numpy'"),
        (["demo", "extra"], "unrecognized arguments: extra"),
        (["--bogus"], "unrecognized arguments: --bogus"),
        (["lesson"], "invalid choice: 'lesson'"),
    ],
)
def test_invalid_argument_prints_one_line_and_exits_with_2(capsys, arguments, complaint):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


def test_help_names_every_option_and_its_default(capsys):
    code, out, _ = run(capsys, "demo", "--help")
    assert code == 0
    for option, default in {
        "iterations": "20000",
        "seed": "1",
        "backend": "auto",
        "ask": "1 0 0",
        "steps": "0",
    }.items():
        text = " ".join(out.split(f"  --{option}")[1].split("  --")[0].split())
        assert f"(default: {default})" in text
    assert run(capsys)[:2] == run(capsys, "--help")[:2]
    assert "demo" in run(capsys)[1]


def test_version_lists_the_available_backends(capsys, without_the_compiled_backend):
    assert run(capsys, "--version")[1] == f"pyperceptron {pp.__version__} (backends: {', '.join(BACKENDS)})\n" + (
        "" if len(BACKENDS) > 1 else "The compiled backend is not built here: the README explains how to build it.\n"
    )
    without_the_compiled_backend()
    assert run(capsys, "--version")[1] == (
        f"pyperceptron {pp.__version__} (backends: python)\n"
        "The compiled backend is not built here: the README explains how to build it.\n"
    )
    code, _, err = run(capsys, "demo", "--backend", "cython")
    assert code == 2
    assert "backend 'cython' cannot be used here" in err


def test_the_remedy_for_a_missing_backend_fits_where_the_package_is(monkeypatch, tmp_path, without_the_compiled_backend):
    without_the_compiled_backend()
    with pytest.raises(ImportError, match=r"^backend 'cython' cannot be used here \(.*\): install a C compiler and Pyth"):
        pp.SigmoidLayer(1, backend="cython")
    monkeypatch.setattr(sys, "frozen", True, raising=False)  # as PyInstaller and others do
    with pytest.raises(ImportError, match=r"\): freeze the program again where `pyperceptron --version` lists cython, or cho"):
        pp.SigmoidLayer(1, backend="cython")
    shutil.copytree(Path(pp.__file__).parent, tmp_path / "app" / "pyperceptron", ignore=shutil.ignore_patterns("__pycache__"))
    zipapp.create_archive(tmp_path / "app", tmp_path / "app.pyz", main="pyperceptron.cli:main")
    for arguments, code, told in (
        ("--version", 0, f"pyperceptron {pp.__version__} (backends: python)"),
        ("demo --iterations 9", 0, "So the neuron answers 1."),
        ("demo --backend cython", 2, "): unpack the archive that holds the package, as Python imports no compiled module from"),
    ):
        ran = subprocess.run(
            [sys.executable, "app.pyz", *arguments.split()], capture_output=True, text=True, cwd=tmp_path, env={"PATH": ""}
        )
        assert ran.returncode == code
        assert told in ran.stdout + ran.stderr


def test_python_m_runs_the_command():
    ran = subprocess.run([sys.executable, "-m", "pyperceptron", "--version"], capture_output=True, text=True, cwd="/")
    assert (ran.returncode, ran.stdout.split("\n")[0]) == (
        0,
        f"pyperceptron {pp.__version__} (backends: {', '.join(BACKENDS)})",
    )


def test_demo_works_with_ascii_output():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ran = subprocess.run(
        [sys.executable, "-m", "pyperceptron", "demo"], capture_output=True, text=True, cwd="/", env=environment
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "10.38040701" in ran.stdout


def on_a_terminal(environment):
    """Return the output of `pyperceptron demo` when its standard output is a terminal."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pyperceptron", "demo"],
        stdout=its,
        cwd="/",
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(its)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # Linux raises EIO when the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return shown.decode()


def test_headings_are_bold_on_a_terminal_unless_no_color_is_set():
    assert "\033[1mThe training table\033[0m" in on_a_terminal({"NO_COLOR": ""})
    assert "\033" not in on_a_terminal({"NO_COLOR": "1"})
    assert "\033" not in on_a_terminal({"NO_COLOR": "", "TERM": "dumb"})
