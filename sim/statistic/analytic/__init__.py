"""Power and sample size by formula, so that every simulation has something to be compared with."""
