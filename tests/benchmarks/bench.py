"""`make bench`: speed of the whole path against the yardstick and against a plain lifelines loop, and how cost grows.

    python -m tests.benchmarks.bench [--quick] [--small] [--case NAME] [--profile NAME]

A table, and one JSON line per case. Nothing here is a test: a machine's speed is not a property of the program.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats

from rich.console import Console
from rich.table import Table

from tests.benchmarks.cases import table, two_cores
from tests.benchmarks.growth import EXPECTED, growth
from tests.benchmarks.measure import PAIRS, Measured, as_json, compare, measure
from tests.benchmarks.small import small_questions
from tests.benchmarks.yardstick import QUIET

CONSOLE = Console(width=148)


def show(found: list[Measured]) -> None:
    """Print the table: speeds as measured, and as they would be where the goals are stated."""
    title = f"Whole path, one core, processor time, medians; goals are for a yardstick of {QUIET:,.0f} trials a second"
    out = Table(title=title)
    for column in ("case", "trials / s", "quartiles", "/ yardstick", "/ lifelines", "scaled", "target", "floor", "met"):
        out.add_column(column, justify="left" if column in ("case", "met") else "right", no_wrap=True)
    for x in found:
        numbers = f"{x.speed.median:,.0f}", f"{x.speed.low:,.0f} to {x.speed.high:,.0f}", f"{x.to_yardstick.median:.3f}"
        scaled = f"{x.to_lifelines.median:,.0f}", f"{x.to_yardstick.median * QUIET:,.0f}"
        out.add_row(x.case.name, *numbers, *scaled, f"{x.case.target:,.0f}", f"{x.case.floor:,.0f}", x.met)
    CONSOLE.print(out)


def show_growth(quick: bool) -> None:
    """Print how seconds grow, with fitted exponents."""
    out = Table(title="How cost grows: seconds = a x^b")
    for column in ("with", "sizes", "seconds", "b", "expected"):
        out.add_column(column)
    for x in growth(quick):
        sizes, times = ", ".join(f"{s:,}" for s in x.sizes), ", ".join(f"{s:.3f}" for s in x.seconds)
        out.add_row(x.what, sizes, times, f"{x.exponent:.2f}", EXPECTED[x.what])
    CONSOLE.print(out)


def profile(run, name: str) -> None:
    """Print where the time of one case goes."""
    run(0)
    profiler = cProfile.Profile()
    profiler.runcall(run, 1)
    CONSOLE.rule(name)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(14)


def main() -> None:
    """Measure everything, or what is asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three pairs of small rounds: is anything badly wrong?")
    parser.add_argument("--case", help="only the cases whose name holds this")
    parser.add_argument(
        "--small", action="store_true", help="only whole commands that simulate little, as multiples of importing numpy and hydra"
    )
    parser.add_argument("--profile", help="profile the cases whose name holds this, and measure nothing")
    asked = parser.parse_args()
    pairs, blocks = (3, 1) if asked.quick else (PAIRS, 4)
    if asked.profile is not None:
        for case in table(blocks):
            if asked.profile in case.name:
                profile(case.run, case.name)
        return
    if asked.small or asked.case is None:
        for line in small_questions(pairs):
            print(line, flush=True)
    if asked.small:
        return
    found = []
    for case in table(blocks):
        if (asked.case or "") in case.name:
            found.append(measure(case, pairs))
            print(found[-1].line(), flush=True)
    if asked.case is None:
        one, two, trials = two_cores(blocks)
        speed, ratio, capacity = compare(one, two, trials, pairs)
        scaled = 2 * ratio.median / min(2.0, capacity.median)
        met = "target" if scaled >= 1.9 else "floor" if scaled >= 1.7 else "missed"
        base = next(x for x in found if x.case.name == "textbook_rct_pfs")
        scale = speed.median / base.speed.median
        line = as_json(
            "two_cores_against_one", 2, speed.median, base.to_lifelines.median * scale, base.to_yardstick.median * scale, 1.9, 1.7, met
        )
        print(line, flush=True)
        show(found)
        words = f"Two threads against one: {ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f}); the machine let two yardsticks be {capacity.median:.2f} times one"
        CONSOLE.print(f"{words}: scaled {scaled:.2f} (target 1.9, floor 1.7): {met}")
        show_growth(asked.quick)
    else:
        show(found)


if __name__ == "__main__":
    main()
