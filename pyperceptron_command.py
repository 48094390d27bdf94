"""The program `pyperceptron`: the command of the package, for which Ctrl-C is no surprise while Python still imports it."""

import sys


def main() -> int:
    """Run pyperceptron.cli.main and return its exit code."""
    try:
        from pyperceptron.cli import main

        return main()
    except KeyboardInterrupt:
        if sys.stderr is not None:
            print("interrupted", file=sys.stderr)
        return 130
