"""Survival curves that several tests need."""

from sim.validation.one_sample import piecewise

__all__ = ["piecewise"]
