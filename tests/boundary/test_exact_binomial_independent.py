"""Level: independent. The exact test against scipy's binomtest, result by result."""

import pytest
from scipy.stats import binomtest

from sim.boundary.exact_binomial import rejection_count


@pytest.mark.parametrize(("n", "p0", "alpha"), [(25, 0.3, 0.05), (60, 0.45, 0.025), (100, 0.1, 0.1)])
def test_rejects_exactly_when_the_p_value_is_at_most_alpha(n, p0, alpha):
    r = rejection_count(n, p0, alpha)
    rejected = [x for x in range(n + 1) if binomtest(x, n, p0, alternative="greater").pvalue <= alpha]
    assert rejected == list(range(r, n + 1))
