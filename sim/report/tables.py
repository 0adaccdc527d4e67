"""How numbers are written, in the terminal and in the report alike: never an estimate without its error."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

ABSENT = "–"
LABELS = {
    "power": "Power",
    "type_i_error": "Type I error",
    "type_i_error_obeyed": "Type I error, stops obeyed",
    "rejection_no_effect": "Rejection without effect",
    "expected_n": "Expected patients",
    "expected_events": "Expected events",
    "expected_responders": "Expected responders",
    "expected_duration": "Expected duration",
    "expected_z": "Expected z",
    "power_by_look": "Power up to the look",
    "type_i_error_by_look": "Type I error up to the look",
    "reach_look": "Reaches the look",
    "duration_at_look": "Month of the look",
    "enrolled_at_look": "Enrolled at the look",
    "harm_stop": "Stops for harm",
    "harm_stop_no_effect": "False alarm of harm",
    "harm_by_look": "Stops for harm up to the look",
    "harm_by_look_no_effect": "False alarms of harm up to the look",
    "deaths_at_look": "Deaths at the look",
    "deaths_at_look_no_effect": "Deaths at the look, without effect",
    "untestable": "Untestable trials",
    "untestable_no_effect": "Untestable trials, without effect",
    "target_not_reached": "Event target not reached",
    "target_not_reached_no_effect": "Event target not reached, without effect",
    "looks_missed": "A planned look missed",
    "looks_missed_no_effect": "A planned look missed, without effect",
    "places": "Places asked for",
    "enrolled_p10": "Patients enrolled, 10th percentile",
    "enrolled_p90": "Patients enrolled, 90th percentile",
    "accrual_open": "Accrual still open at the analysis",
    "events_needed": "Events needed",
    "events_low": "Events needed, lower end",
    "events_high": "Events needed, upper end",
    "events_safe": "Events needed, safe side",
    "power_lower_bound": "Power, failed count as not rejected",
    "power_upper_bound": "Power, failed count as rejected",
    "n": "Patients needed",
    "n_low": "Patients needed, lower end",
    "n_high": "Patients needed, upper end",
    "n_safe": "Patients needed, safe side",
    "n_first": "Patients at which the target is first reached",
    "n_wu": "Patients by Wu's formula",
    "n_schoenfeld": "Patients by Schoenfeld's formula",
    "events_schoenfeld": "Events by Schoenfeld's formula",
    "n_lachin_foulkes": "Patients by Lachin and Foulkes's formula",
}
SIZES = ("n", "n_low", "n_high", "n_safe")
_WHOLE_TRIAL = {"", "0", "-1", "all", "overall", "final", "nan", "none", "<na>"}


def known(value: Any) -> bool:
    """Return whether a table cell holds something: not None, not NaN."""
    return value is not None and not (pd.api.types.is_scalar(value) and pd.isna(value))


def decimals(error: float) -> int:
    """Return the decimals an error is worth.

    Notes
    -----
    The rounding rule of the Particle Data Group: of the three leading digits of the error, 100-354 keep
    two significant digits, 355-949 keep one, 950-999 become 1000 and keep two.

    References
    ----------
    Particle Data Group, Review of Particle Physics, Introduction, section 5.3.

    Examples
    --------
    >>> decimals(0.00091), decimals(0.0016), decimals(0.00098), decimals(3.2), decimals(41.0)
    (4, 4, 4, 1, 0)
    """
    exponent = math.floor(math.log10(error))
    leading = round(error / 10.0**exponent * 100)
    if leading >= 950:
        return max(0, -exponent)
    return max(0, -exponent + (1 if leading < 355 else 0))


FINEST = {"patients": 1, "events": 1, "deaths": 1, "months": 1, "z": 3, "probability": 4}
"""Decimals of each unit beyond which nobody can use them, however small the Monte Carlo error is."""


def with_error(value: Any, error: Any, unit: str = "") -> str:
    """Write an estimate and its Monte Carlo standard error to at most two significant digits of the error, and no finer than its unit allows.

    Parameters
    ----------
    unit : as in the table of operating characteristics; an error below the last decimal that it allows is rounded up to it

    Examples
    --------
    >>> with_error(0.79052, 0.00091)
    '0.7905 ± 0.0009'
    >>> with_error(17.234, 0.0164)
    '17.234 ± 0.016'
    >>> with_error(155.9961, 0.0013, "events"), with_error(239.0, 0.0, "patients")
    ('156.0 ± 0.1', '239 ± 0')
    >>> with_error(60.0, float("nan")), with_error(1.0, 0.0), with_error(None, None)
    ('60', '1 ± 0', '–')
    """
    if not known(value):
        return ABSENT
    if not known(error):
        return number(value)
    if error == 0 or not math.isfinite(error) or not math.isfinite(value):
        return f"{number(value)} ± {number(error)}"
    places, finest = decimals(error), FINEST.get(unit)
    if finest is not None and places > finest:
        places, error = finest, math.ceil(error * 10**finest) / 10**finest
    return f"{value:,.{places}f} ± {error:,.{places}f}"


def number(value: Any, significant: int = 4) -> str:
    """Write a number that has no Monte Carlo error to a few significant digits.

    Examples
    --------
    >>> number(160.0), number(0.02345678), number(100000), number(float("inf")), number(None)
    ('160', '0.02346', '100,000', '∞', '–')
    """
    if not known(value):
        return ABSENT
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if float(value).is_integer():
        return f"{int(value):,}"
    places = max(0, significant - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def estimate(row: Any) -> str:
    """Write the estimate of a row of operating characteristics: with its error when simulated, alone when exact, a size with its interval.

    Examples
    --------
    >>> row = {"metric": "n", "estimate": 79.0, "mcse": 3.1, "ci_low": 73.0, "ci_high": 85.0, "n_analysed": 10000, "n_requested": 10000}
    >>> estimate(row), estimate(row | {"n_analysed": 0, "n_requested": 0})
    ('79 (73 to 85)', '79')
    """
    if not known(row["estimate"]) or exact(row):
        return number(row["estimate"])
    if row["metric"] == "n":
        span = interval(row["ci_low"], row["ci_high"])
        return number(row["estimate"]) + (f" ({span})" if span != ABSENT else "")
    return with_error(row["estimate"], row["mcse"], row.get("unit", ""))


def exact(row: Any) -> bool:
    """Return whether a row was computed rather than simulated: no replicate stands behind it."""
    return not any(known(row[c]) and row[c] for c in ("n_analysed", "n_requested"))


def interval(low: Any, high: Any, error: Any = None) -> str:
    """Write an interval to the decimals of the estimate it belongs to.

    Examples
    --------
    >>> interval(0.788729, 0.792304, 0.00091), interval(69, 75), interval(float("nan"), 1.0)
    ('0.7887 to 0.7923', '69 to 75', '–')
    """
    if not known(low) or not known(high):
        return ABSENT
    if known(error) and error > 0 and math.isfinite(low) and math.isfinite(high):
        places = decimals(error)
        return f"{low:,.{places}f} to {high:,.{places}f}"
    return f"{number(low)} to {number(high)}"


def signed(value: Any) -> str:
    """Write a difference with its sign to two decimals.

    Examples
    --------
    >>> signed(0.414), signed(-2.6), signed(-0.001), signed(None)
    ('+0.41', '−2.60', '0.00', '–')
    """
    if not known(value):
        return ABSENT
    rounded = round(value, 2)
    return f"{rounded:+.2f}".replace("-", "−") if rounded else "0.00"


def months(value: Any) -> str:
    """Write a time: `months(2.84)` is '2.8 months'."""
    return ABSENT if not known(value) else ("not reached" if math.isinf(value) else f"{value:.1f} months")


def patients(value: Any) -> str:
    """Write a number of patients, rounded up to whole people: `patients(61.2)` is '62 patients'."""
    if not known(value):
        return ABSENT
    whole = math.ceil(value - 1e-9)
    return f"{whole:,} patient{'' if whole == 1 else 's'}"


def percent(value: Any, places: int = 1) -> str:
    """Write a share as per cent: `percent(0.4371)` is '43.7 %'."""
    return f"{100 * value:.{places}f} %" if known(value) else ABSENT


def label(metric: str) -> str:
    """Return the words for a metric; an unknown one in its own words."""
    return LABELS.get(metric, metric.replace("_", " ").capitalize())


def look(value: Any) -> str:
    """Write the analysis a row belongs to: its number, or 'whole trial'."""
    if whole_trial(value):
        return "whole trial"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def whole_trial(value: Any) -> bool:
    """Return whether a row's `look` means the whole trial rather than one analysis of it."""
    if not known(value):
        return True
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return text.strip().lower() in _WHOLE_TRIAL


def replicates(row: Any) -> str:
    """Write how many replicates stand behind a row; a row without any is exact.

    Examples
    --------
    >>> replicates({"n_requested": 10000, "n_analysed": 9998, "n_failed": 2})
    '9,998 of 10,000, 2 failed'
    >>> replicates({"n_requested": 0, "n_analysed": 0, "n_failed": 0})
    'exact'
    """
    analysed, requested, failed = (row[c] if known(row[c]) else 0 for c in ("n_analysed", "n_requested", "n_failed"))
    if exact(row):
        return "exact"
    text = number(analysed) if analysed == requested else f"{number(analysed)} of {number(requested)}"
    return text if not failed else f"{text}, {number(failed)} failed"
