"""From replicate rows to operating characteristics, each with its Monte Carlo error."""

from sim.oc.after_stopping import after_stopping
from sim.oc.definitions import COLUMNS, DEFINITIONS
from sim.oc.enrolment import Tally, enrolment_characteristics, tally
from sim.oc.estimate import Z95, Estimate, mean, proportion
from sim.oc.harm import harm_characteristics
from sim.oc.notices import Notice, notices
from sim.oc.row import Subject
from sim.oc.table import operating_characteristics, rejections

__all__ = [
    "COLUMNS", "DEFINITIONS", "Z95", "Estimate", "Notice", "Subject", "Tally", "after_stopping", "enrolment_characteristics", "harm_characteristics", "mean",
    "notices",
    "operating_characteristics", "proportion", "rejections", "tally",
]  # fmt: skip
