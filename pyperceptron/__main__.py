"""`python -m pyperceptron` is the command `pyperceptron`."""

import sys

from pyperceptron.cli import main

if __name__ == "__main__":
    sys.exit(main())
