"""Figures of the report: tables in, SVG text out. One file a figure; `style.py` holds what they share."""

from sim.report.figures.forest import forest
from sim.report.figures.kaplan_meier import kaplan_meier
from sim.report.figures.occupancy import occupancy
from sim.report.figures.operating_characteristics import operating_characteristics
from sim.report.figures.power_curve import power_curve

__all__ = ["forest", "kaplan_meier", "occupancy", "operating_characteristics", "power_curve"]
