"""The ranges within which numbers of a configuration are sensible: wide enough for any trial, narrow enough that nothing overflows."""

from __future__ import annotations

from dataclasses import dataclass

from sim.refusal import InputError


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included, and 0 where `or_zero`.

    words : what such a number is, for the line that refuses another

    Examples
    --------
    >>> POSITIVE_MONTHS.holds(2.8), POSITIVE_MONTHS.holds(0.0), MONTHS.holds(0.0), MONTHS.holds(float("nan"))
    (True, False, True, False)
    """

    low: float
    high: float
    words: str
    or_zero: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether the value lies in the range; NaN never does."""
        return bool(self.low <= value <= self.high or (self.or_zero and value == 0))

    def check(self, where: str, value: float, shown: object = None) -> None:
        """Refuse a value outside the range.

        Parameters
        ----------
        where : the key; shown : what is printed in the place of the value, for example the list it stands in

        Raises
        ------
        InputError : the key, its value and the range
        """
        if not self.holds(value):
            zero = "0, or " if self.or_zero else ""
            raise InputError(
                f"{where} is {value if shown is None else shown}; allowed: {zero}{self.words} from {self.low:g} to {self.high:.10g}"
            )


MOST_PATIENTS = 65_535  # blocks are addressed in 16 bits
POSITIVE_MONTHS = Range(0.001, 10_000.0, "a positive number of months")
MONTHS = Range(0.001, 10_000.0, "months", or_zero=True)
RATIO = Range(0.001, 1_000.0, "a positive number")
HAZARD = Range(1e-9, 1_000.0, "a positive number per month")
HAZARD_OR_NONE = Range(1e-9, 1_000.0, "a positive number per month", or_zero=True)
ARRIVALS = Range(0.001, 1e6, "a positive number of patients per month")
ARRIVALS_OR_NONE = Range(0.001, 1e6, "a positive number of patients per month", or_zero=True)
LEVEL = Range(1e-6, 0.499999, "a one-sided type I error between 0 and 0.5,")
TWO_SIDED_LEVEL = Range(2 * LEVEL.low, 2 * LEVEL.high, "a two-sided type I error between 0 and 1,")
PROPER_PROBABILITY = Range(1e-9, 1 - 1e-9, "a probability between 0 and 1, both excluded,")
LOST_SHARE = Range(0.0, 0.99, "a share of patients")
PATIENTS_WORTH = Range(0.001, 1e6, "a positive number of patients")
WEIGHT_POWER = Range(0.0, 20.0, "an exponent")
