"""The reference rows' names of spending functions."""

from sim.validation.gs_bounds import named

__all__ = ["named"]
