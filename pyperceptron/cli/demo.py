"""`pyperceptron demo`: show the lesson."""

from __future__ import annotations

from pyperceptron.backends import CHOICES
from pyperceptron.cli.command import CommandError, heading
from pyperceptron.cli.files import Writing
from pyperceptron.cli.parser import number_within_limit, whole_number
from pyperceptron.demo import lesson_lines, write_lesson_page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

    from pyperceptron.cli.parser import Parser


def set_up(parser: Parser) -> None:
    parser.example = "pyperceptron demo --steps 1 --ask 1 0 0"
    parser.description = "Show the lesson: a neuron learns from four examples and answers a new situation."
    parser.epilog = (
        "The guide docs/step-by-step.md explains every number of the lesson.\n"
        "It is in the repository and in the source distribution."
    )
    parser.set_defaults(run=run)

    def option(name: str, help: str, **how: Any) -> None:
        parser.add_argument(name, help=f"{help} (default: {how.pop('shown', '%(default)s')})", **how)

    option("--iterations", "the number of training iterations", type=whole_number(1, 2**63 - 1), default=20_000, metavar="N")
    option("--seed", "seed of the starting weights, 0 to 4294967295", type=whole_number(0, 2**32 - 1), default=1, metavar="S")
    option("--backend", "the backend that computes", choices=CHOICES, default="auto")
    number = number_within_limit
    option("--ask", "the new situation", type=number, nargs=3, default=(1, 0, 0), metavar=("A", "B", "C"), shown="1 0 0")
    option("--steps", "show the first K steps number by number", type=whole_number(0, 2**63 - 1), default=0, metavar="K")
    parser.add_argument("--html", metavar="FILE", help="write a page instead, on which the neuron trains in a browser")


def run(options: Namespace) -> None:
    if options.html is not None:
        if options.steps or options.backend != "auto":
            option = "--steps" if options.steps else "--backend"
            raise CommandError(f"{option} does not go with --html: the page computes every step itself", 2)
        if options.html == "-":
            raise CommandError("--html needs the name of a file", 2)
        with Writing(options.html):
            write_lesson_page(options.html, iterations=options.iterations, seed=options.seed, situation=options.ask)
        print(f"Open {options.html} in a browser.")
        return
    lines = lesson_lines(
        heading(),
        iterations=options.iterations,
        seed=options.seed,
        backend=options.backend,
        situation=options.ask,
        steps=options.steps,
    )
    try:
        for line in lines:
            print(line)
    except (ValueError, OverflowError, ImportError) as error:
        raise CommandError(str(error), 2) from None
