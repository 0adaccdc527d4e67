"""From replicate rows to operating characteristics, each with its Monte Carlo error."""

from sim.oc.after_stopping import after_stopping
from sim.oc.definitions import COLUMNS, DEFINITIONS
from sim.oc.estimate import Z95, Estimate, mean, proportion
from sim.oc.harm import harm_characteristics
from sim.oc.row import Subject
from sim.oc.table import operating_characteristics, rejections

__all__ = [
    "COLUMNS", "DEFINITIONS", "Z95", "Estimate", "Subject", "after_stopping", "harm_characteristics", "mean", "operating_characteristics",
    "proportion", "rejections",
]  # fmt: skip
