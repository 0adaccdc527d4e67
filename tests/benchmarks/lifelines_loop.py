"""The trial as a statistician's script does it: one replicate at a time in a Python loop, tested by lifelines."""

from __future__ import annotations

import numpy as np
from lifelines.statistics import logrank_test


def lifelines_loop(seed: int, trials: int) -> int:
    """Simulate the textbook trial (160 patients, 120 events, hazard ratio 0.6) and count rejections at one-sided 0.025."""
    random = np.random.default_rng(seed)
    rejected = 0
    for _ in range(trials):
        entry = np.sort(random.uniform(0, 16, 160))
        arm = np.concatenate([random.permutation([0, 0, 1, 1]) for _ in range(40)])
        event = random.exponential(2.8 / np.log(2), 160) / np.where(arm == 1, 0.6, 1.0)
        dropout = random.exponential(-1 / np.log(0.98), 160)
        seen = event <= dropout
        cut = np.sort(np.where(seen, entry + event, np.inf))[119]
        enrolled = entry <= cut
        time = np.minimum(np.minimum(event, dropout), cut - entry)[enrolled]
        observed = (seen & (entry + event <= cut))[enrolled]
        a = arm[enrolled] == 1
        result = logrank_test(time[a], time[~a], observed[a], observed[~a])
        fewer = observed[a].sum() / time[a].sum() < observed[~a].sum() / time[~a].sum()
        rejected += int(result.test_statistic >= 1.959963984540054**2 and fewer)
    return rejected
