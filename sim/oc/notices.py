"""What a reader must know before the numbers: targets missed, tests that cannot be formed, a level that is not held, a test that cannot reject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sim.trial import Trial
from sim.types import Row

HEADS, SAYS = 0.05, 0.01  # a share above the first heads the answer, above the second is said in a line; below it stands in the table
SIZE_SLACK, SMALL_SLACK = 0.06, 4.0  # asymptotic tests pass their level by up to so much of it, and by so much / events more
FAR_ABOVE = 1.5  # times the level: heads the answer


@dataclass(frozen=True)
class Notice:
    """One sentence about the results of a cell; `heads`: it comes before the answer."""

    cell: str
    line: str
    heads: bool


def notices(cell: str, trial: Trial, rows: Iterable[Row]) -> list[Notice]:
    """Return what the rows of one cell's table give reason to say.

    Parameters
    ----------
    cell : its name; rows : of the whole trial, under the stated effect and without

    Notes
    -----
    A type I error is called above the level alpha when it passes alpha (1 + 0.06 + 4 / events) by more than three Monte Carlo standard
    errors: the log-rank test is known to reject 0.0258 at 120 events and 0.0289 at 20 where 0.025 is asked for.
    """
    at = {row["metric"]: row for row in rows if row["cell"] == cell and row["look"] == 0}
    found = [
        *_missed(trial, at, "", ""),
        *_missed(trial, at, "_no_effect", "without effect, "),
        *_free_places(trial, at),
        *_level(trial, at),
        *_never_rejects(at),
        *_wrong_side(at),
    ]
    return [Notice(cell, line, heads) for line, heads in found]


def _missed(trial: Trial, at: dict[str, Row], suffix: str, when: str) -> list[tuple[str, bool]]:
    cut = trial.plan.cut
    words = {
        "target_not_reached": f"the {cut.planned_events(cut.looks - 1)} events asked for do not come by month {cut.deadline:g}"
        " (design.max_duration) in {}; such trials are tested with the events there are",
        "untestable": "the test cannot be formed in {}; such trials count as not rejected",
        "looks_missed": "a planned look does not take place in {}: the trial has ended before it",
    }
    shares = ((at.get(f"{metric}{suffix}"), line) for metric, line in words.items())
    told = ((float(row["estimate"]), line) for row, line in shares if row is not None)
    return [(_sentence(when + line.format(f"{share:.1%} of trials")), share > HEADS) for share, line in told if share > SAYS]


def _free_places(trial: Trial, at: dict[str, Row]) -> list[tuple[str, bool]]:
    row = at.get("accrual_open")
    if row is None or not row["estimate"] > 0.5 or not trial.accrual.by_rate:
        return []
    return [(f"Accrual is still open at the analysis in {row['estimate']:.1%} of trials: more places would change nothing.", False)]


def _level(trial: Trial, at: dict[str, Row]) -> list[tuple[str, bool]]:
    row = at.get("type_i_error")
    if row is None:
        return []
    alpha, size, error = trial.design.level, float(row["estimate"]), float(row["mcse"])
    counted = next(
        (float(at[m]["estimate"]) for m in ("expected_events_no_effect", "expected_events", "expected_responders") if m in at), 0.0
    )
    if not size - 3 * error > alpha * (1 + SIZE_SLACK + SMALL_SLACK / max(counted, 1.0)):
        return []
    line = f"The type I error, {size:.4f} ± {error:.4f}, is above the one-sided level of {alpha:g}: the test does not hold it here."
    return [(line, size > FAR_ABOVE * alpha)]


def _never_rejects(at: dict[str, Row]) -> list[tuple[str, bool]]:
    rates = [at[m] for m in ("power", "type_i_error", "rejection_no_effect") if m in at]
    if not rates or any(row["estimate"] > 0 for row in rates):
        return []
    return [
        (f"Not one of {sum(row['n_analysed'] for row in rates):,} trials rejects: this design can never reject, or next to never.", True)
    ]


def _wrong_side(at: dict[str, Row]) -> list[tuple[str, bool]]:
    row = at.get("expected_z")
    if row is None or "power" not in at or not row["estimate"] + 3 * row["mcse"] < 0:
        return []
    line = f"The stated effect works against the experimental arm (mean z {row['estimate']:.2f}), and the test is one-sided for a benefit"
    return [(f"{line}: what is called power is the chance of a false claim.", True)]


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
