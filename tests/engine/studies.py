"""A few small studies that pass through every kernel, and a hash of each one's table.

    python tests/engine/studies.py     prints one `name hash` per line; the processor is chosen by the environment

A hash is of the columns (every integer and every float64, bit for bit), never of a file.
"""

from __future__ import annotations

import hashlib
import math
import sys
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[2]))

from sim.accrual import UniformAccrual
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.single_arm_orr import SingleArmORR
from sim.design.single_arm_survival import SingleArmSurvival
from sim.effect import PatientHazardRatio, ResponseRateChange
from sim.engine import simulate
from sim.population.post_cart_failure import PostCartFailure
from sim.statistic.logrank import LogRank
from sim.trial import Rows, Trial
from tests.designs import LOST, single_arm, textbook, textbook_gs

REPLICATES = 2_000
SEED = 2657


def studies() -> dict[str, Trial]:
    """Return the studies by name."""
    arriving = UniformAccrual(rate=10.0)
    calibrated = PostCartFailure()
    stratified = RandomisedSurvival(100, events=(70,), statistic=LogRank(stratified=True))
    return {
        "textbook": textbook(),
        "textbook_late_weight": textbook(0.45, 1.5, statistic=LogRank(rho=0.5, gamma=1.0)),
        "group_sequential": textbook_gs(),
        "calibrated_stratified_pfs": Trial(calibrated, arriving, LOST, PatientHazardRatio(0.6), stratified),
        "calibrated_one_sample_logrank": Trial(calibrated, arriving, LOST, PatientHazardRatio(0.6), SingleArmSurvival(40)),
        "calibrated_response": Trial(calibrated, arriving, LOST, ResponseRateChange(0.2), SingleArmORR(40, not_evaluable_share=0.03)),
        "exponential_one_sample_logrank": single_arm(shares=(0.4, 0.6), medians=(2.9, 8.0)),
        "published_null": Trial(calibrated, arriving, LOST, PatientHazardRatio(0.6), SingleArmSurvival(40, null="published_progression")),
    }


def digest(rows: Rows) -> str:
    """Return a hash of the columns of a table of replicates."""
    out = hashlib.sha256()
    for name in rows.dtype.names or ():
        out.update(name.encode() + np.ascontiguousarray(rows[name]).tobytes())
    return out.hexdigest()[:32]


def table_digest(table: pa.Table) -> str:
    """Return a hash of the columns of an Arrow table, as they read: dictionaries decoded."""
    out = hashlib.sha256()
    for name in table.column_names:
        values = table.column(name).to_numpy()
        out.update(name.encode() + (values.astype(str) if values.dtype == object else values).tobytes())
    return out.hexdigest()[:32]


@numba.njit
def _logarithms(x):
    # what a kernel must not do: the C library's logarithm takes other code on another processor
    out = np.empty_like(x)
    for i in range(len(x)):
        out[i] = math.log(x[i])
    return out


def main() -> None:
    """Print the hashes, and that of a kernel that breaks the rule."""
    for name, trial in studies().items():
        print(name, digest(simulate(trial, REPLICATES, SEED).rows))
    print("forbidden_math_log", hashlib.sha256(_logarithms(np.random.default_rng(1).random(200_000)).tobytes()).hexdigest()[:32])


if __name__ == "__main__":
    main()
