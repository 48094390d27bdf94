"""Compare the speed of pyperceptron with that of other libraries and print tables.

    python benchmarks/benchmark.py [--repeats N] [--json FILE] [--only NAME ...] [--data FOLDER]

Competitors that are not installed get a row that says so; benchmarks/requirements.txt lists them all. All results are
compared before anything is timed, and a different result stops the benchmark.

NumPy and SciPy choose their own kernels: variables of the environment that ask OpenBLAS for older ones are unset. The kernels
that ran are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path

from measure import Machine, Section, kernels, version_of

# Each module has a generator sections() of sections, each measured before the next is made, and lines to print.
NAMES = ("lesson", "processes", "gradients", "training", "predictions", "tables", "memory", "pages")
WITHOUT_NUMPY = ("lesson", "processes", "pages")
OF_DATA = ("training", "tables")
OLDER_KERNELS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
SETTLING = 0.5  # seconds until the idle threads that NumPy has just started stop spinning


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare pyperceptron with what people use instead.")
    parser.add_argument("--repeats", type=int, default=15, metavar="N", help="timed turns of each competitor (default: 15)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every number there")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=f"some of {', '.join(NAMES)}")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="where training and tables find banknote.csv, spambase.csv and adult.csv"
    )
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")

    for name in OLDER_KERNELS:  # before anything loads NumPy; processes that are started inherit it
        os.environ.pop(name, None)
    machine = Machine.here()
    print(machine, f"medians of {options.repeats} turns, the competitors alternating, after a warm-up", sep="\n")
    sections, lines = [], []
    for name in options.only:
        for part in parts(name, options.data):
            if isinstance(part, str):
                print(part, flush=True)
                lines.append(part.strip())
            else:
                part.measure(options.repeats)
                print("", *part.table(), sep="\n", flush=True)
                sections.append(part.as_json())
    if options.json:
        report = {"machine": machine.as_json(), "kernels": kernels(), "sections": sections, "lines": lines}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def parts(name: str, data: Path | None) -> Iterator[Section | str]:
    if name not in WITHOUT_NUMPY and version_of("numpy") is None:
        return iter([f"\n{name}: needs NumPy, which is not installed"])
    module = import_module(name)
    own = module.sections(data) if name in OF_DATA else module.sections()
    if name in WITHOUT_NUMPY:
        return own  # type: ignore[no-any-return]
    time.sleep(SETTLING)
    return chain([f"\n{name}: kernels {', '.join(kernels()) or 'unknown'}"], own)


if __name__ == "__main__":
    main()
