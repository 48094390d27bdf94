"""Compare pyperceptron with what people use instead, side by side, and print tables.

    python benchmarks/benchmark.py [--repeats N] [--json FILE]

Competitors that are not installed get a row that says so; benchmarks/requirements.txt names them all. Before anything is
timed, the competitors' results are compared: whoever computes something else stops the benchmark.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import lesson
import processes
from measure import Machine


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare pyperceptron with what people use instead.")
    parser.add_argument("--repeats", type=int, default=15, metavar="N", help="timed turns of each competitor (default: 15)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every number there")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")

    machine = Machine.here()
    print(machine, f"medians of {options.repeats} turns, the competitors alternating, after a warm-up", sep="\n")
    sections = []
    for make in (lesson.section, processes.section):
        section = make()
        section.measure(options.repeats)
        print("", *section.table(), sep="\n", flush=True)
        sections.append(section)
    print(processes.import_cost(sections[-1]))
    if options.json:
        report = {"machine": machine.as_json(), "sections": [section.as_json() for section in sections]}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
