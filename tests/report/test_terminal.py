"""Level: developer. What a run prints fits 80 columns and holds every estimate with its error."""

import io

import pandas as pd
import pytest
from rich.console import Console

from sim.report.terminal import print_calibration, print_facts, print_notices, print_operating_characteristics, print_sizes, progress
from tests.report.example import calibration, oc_row, operating_characteristics


def printed(show, table, width=200, **options):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    show(table, console, **options)
    return console.file.getvalue()


def looks():
    rows = [oc_row("gs", "power", 0.786, look=0)]
    rows += [oc_row("gs", "power_by_look", p, look=k) for k, p in ((1, 0.02), (2, 0.5), (3, 0.786))]
    rows += [oc_row("gs", "duration_at_look", m, 0.016, look=k) for k, m in ((1, 8.2), (2, 13.2), (3, 18.4))]
    return pd.DataFrame(rows)


LONG = "effect.hr=0.65,design.n=120,population.refractory_share=0.44,accrual.rate=3.9"
CASES = [
    (print_operating_characteristics, operating_characteristics()),
    (print_operating_characteristics, operating_characteristics().assign(cell=LONG)),
    (
        print_operating_characteristics,
        pd.concat([operating_characteristics(), pd.DataFrame([oc_row("x", "rejection_no_effect", 0.183456, 0.0012)])]),
    ),
    (print_operating_characteristics, looks().assign(cell=LONG)),
    (print_operating_characteristics, operating_characteristics().head(0)),
    (print_sizes, operating_characteristics()),
    (print_sizes, operating_characteristics().assign(cell=LONG)),
    (print_calibration, calibration()),
    (print_calibration, calibration().assign(id=LONG, published=1234.567, ci_low=1000.123, ci_high=2000.123)),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_no_line_is_wider_than_80_columns(case):
    lines = printed(*CASES[case]).splitlines()
    assert lines
    assert max(len(line) for line in lines) <= 80
    assert "…" not in "".join(lines)


def test_every_estimate_stands_over_its_error():
    text = printed(print_operating_characteristics, operating_characteristics())
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if "randomised_pfs" in line)
    assert lines[at].split() == ["randomised_pfs", "164", "0.803", "0.0258", "123", "22.9"]
    assert lines[at + 1].replace("± ", "±").split() == ["(160", "to", "169)", "±0.004", "±0.0005", "±0", "±0.1"]
    assert "up to 2" in text
    assert "failed" in text


def test_each_look_is_one_row():
    lines = printed(print_operating_characteristics, looks()).splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[:2] == ["gs", "1"])
    assert lines[at].split() == ["gs", "1", "0.0200", "8.200"]
    assert lines[at + 1].split() == ["±", "0.0014", "±", "0.016"]
    assert lines[at + 2].split() == ["2", "0.500", "13.200"]
    assert lines[at + 4].split() == ["3", "0.786", "18.400"]


def test_many_cells_by_look_stay_in_the_file():
    many = pd.concat([looks().assign(cell=f"cell {k}") for k in range(7)])
    text = printed(print_operating_characteristics, many)
    assert "What happens at each look stands in operating_characteristics.csv." in text
    assert "so far" not in text


def test_exact_tables_say_so():
    exact = operating_characteristics().query("cell == 'single_arm_orr' and metric == 'n'")
    assert "Exact: nothing was simulated." in printed(print_operating_characteristics, exact)


def test_sizes_show_interval_and_safe_side():
    text = printed(print_sizes, operating_characteristics())
    line = next(line for line in text.splitlines() if "randomised_pfs" in line)
    assert line.split() == ["randomised_pfs", "164", "160", "to", "169", "169", "0.803", "±", "0.004"]
    assert printed(print_sizes, operating_characteristics().query("metric == 'power'")) == ""


def test_calibration_lists_headlines_and_what_is_outside():
    text = printed(print_calibration, calibration())
    for name in ("os_overall_median", "treated_share", "sex_share"):
        assert name in text
    assert "regimen_median" not in text
    assert "fitted 1 outside interval; predicted 4 met, 2 within interval; not judged" in " ".join(text.split())
    assert "regimen_median" in printed(print_calibration, calibration(), roles=("headline", "calibrate"))


def test_markup_in_names_is_printed_as_it_is():
    text = printed(print_operating_characteristics, pd.DataFrame([oc_row("[red]a[/red]", "power", 0.5)]))
    assert "[red]a[/red]" in text


def test_progress_is_silent_without_a_terminal():
    quiet = Console(file=io.StringIO(), force_terminal=False)
    with progress(3, "simulating", quiet) as advance:
        advance(3)
    assert quiet.file.getvalue() == ""
    loud = Console(file=io.StringIO(), force_terminal=True, width=80)
    with progress(3, "simulating", loud) as advance:
        advance(3)
    assert "simulating" in loud.file.getvalue()
    assert "100%" in loud.file.getvalue()


def test_a_standard_error_of_zero_is_not_called_certain():
    rows = pd.DataFrame([oc_row("a", "power", 1.0)])
    assert "all replicates agree; its interval stands" in " ".join(printed(print_operating_characteristics, rows).split())
    assert "all replicates agree" not in printed(print_operating_characteristics, pd.DataFrame([oc_row("a", "power", 0.99)]))


def test_facts_and_notices_fit_and_are_printed_as_they_are():
    facts = {LONG: [("level", "one-sided 0.025"), ("largest observed hazard ratio that rejects", "about 0.70 [red] at the final look" * 4)]}
    text = printed(print_facts, facts)
    assert max(map(len, text.splitlines())) <= 80
    assert "one-sided 0.025" in text
    assert "[red]" in text
    assert printed(print_facts, {f"cell {k}": facts[LONG] for k in range(7)}) == ""
    said = printed(
        print_notices, ["Not one of 4,000 trials rejects [b]: this design can never reject, or next to never, whatever is tried."]
    )
    assert max(map(len, said.splitlines())) <= 80
    assert "[b]" in said
    assert printed(print_notices, []) == ""


def test_a_safe_side_that_was_not_reached_says_so():
    table = operating_characteristics().query("cell == 'randomised_pfs'")
    table.loc[table["metric"] == "n_safe", "estimate"] = float("nan")
    assert "not reached" in printed(print_sizes, table)


def test_where_events_decide_events_are_shown():
    rows = [oc_row("rct", "events_needed", 153.0), oc_row("rct", "events_low", 148.0), oc_row("rct", "events_high", 159.0)]
    rows = [
        r | {"n_requested": 10_000, "n_analysed": 10_000} for r in [*rows, oc_row("rct", "events_safe", 160.0), oc_row("rct", "n", 354.0)]
    ]
    rows[0] |= {"ci_low": 148.0, "ci_high": 159.0}
    table = pd.DataFrame([*rows, oc_row("rct", "power", 0.8)])
    assert printed(print_sizes, table).split("rct")[1].split()[:6] == ["153", "events", "148", "to", "159", "160"]
    assert "354" not in printed(print_operating_characteristics, table)
    assert "153 events" in printed(print_operating_characteristics, table)
