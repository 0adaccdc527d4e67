"""Level: properties. Rows longer than numpy's network, sorted by segments and merges, against numpy's own sort."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernels.sorting import sort_rows


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(1, 1500), st.integers(0, 2**32 - 1), st.sampled_from(["few", "many", "sorted", "reversed", "equal"]))
def test_sorts_as_numpy(n, seed, kind):
    rng = np.random.default_rng(seed)
    keys = rng.integers(-(2**62), 2**62, (3, n))
    if kind == "few":
        keys = rng.integers(0, 5, (3, n))
    elif kind == "equal":
        keys[:] = 7
    elif kind in ("sorted", "reversed"):
        keys = np.sort(keys, axis=1)[:, :: 1 if kind == "sorted" else -1].copy()
    expected = np.sort(keys, axis=1)
    sort_rows(keys)
    np.testing.assert_array_equal(keys, expected)


def test_bits_of_positive_numbers_are_in_their_order():
    x = np.array([[3.5, 0.0, np.inf, 1e-300, 120.0, 2.0**-1074]])
    expected = np.sort(x, axis=1)
    sort_rows(x.view(np.int64))
    np.testing.assert_array_equal(x, expected)
