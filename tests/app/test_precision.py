"""Level: developer. A precision target adds blocks until every named metric is precise enough, or says what the cap left."""

import pandas as pd
import pytest

TRIAL = ("scenarios=textbook_rct_pfs", "run.folder=run", "run.n_sim=1", "run.n_sim_null=1")
LINE = "run.precision=0.001 is not reached with run.n_sim_max=150,000 replicates: power of randomised_pfs ± 0.00105."


def replicates(folder):
    table = pd.read_csv(folder / "run/operating_characteristics.csv").set_index("metric")
    return {metric: int(table.loc[metric, "n_requested"]) for metric in ("power", "type_i_error")}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        # sqrt(.79 .21 / n) < .001 from n = 166,000, looked at after 100,000 and 200,000; sqrt(.026 .974 / 100,000) is .0005
        (["run.precision=0.001"], {"power": 200_000, "type_i_error": 100_000}),
        (["run.precision=0.002"], {"power": 100_000, "type_i_error": 100_000}),
        (["run.precision=0.001", "run.precision_of=[type_i_error]"], {"power": 100_000, "type_i_error": 100_000}),
    ],
)
def test_blocks_are_added_until_it_is_reached(cli, folder, overrides, expected):
    result = cli(*TRIAL, *overrides)
    assert result.status == 0, result.err
    assert replicates(folder) == expected
    assert "is not reached" not in result.out


def test_the_cap_ends_it_and_the_reader_is_told(cli, folder):
    result = cli(*TRIAL, "run.precision=0.001", "run.n_sim_max=150000")
    assert result.status == 0, result.err
    assert replicates(folder) == {"power": 150_000, "type_i_error": 100_000}
    assert LINE in result.out
    assert LINE in (folder / "run/report.html").read_text(encoding="utf-8")
