"""Level: developer. A million replicates of 160 patients stay below one gigabyte per process, in the real program."""

import json
import subprocess
import sys

import pytest

from tests.engine.running import environment

GIGABYTE = 1_000_000  # kilobytes, as ru_maxrss counts on Linux
SCRIPT = """
import json, resource, sys
from sim.app.main import main
status = main(sys.argv[1:])
print(json.dumps([status, *(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))]))
"""


@pytest.mark.verify
@pytest.mark.process
@pytest.mark.parametrize("executor", ["joblib_threads", "joblib_processes", "dask"])
def test_a_million_replicates_below_one_gigabyte(tmp_path, executor):
    command = [sys.executable, "-c", SCRIPT, "scenarios=textbook_rct_pfs", f"executor={executor}", "run.n_sim=1000000", "run.n_sim_null=1000000",
               "run.workers=2", "run.store=store", "run.folder=run"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True)
    status, own, children = json.loads(done.stdout.splitlines()[-1])
    assert status == 0
    assert "2,000,000 replicates simulated" in " ".join(done.stdout.split())
    assert own < GIGABYTE * (1 if sys.platform == "linux" else 1024)
    assert children < GIGABYTE * (1 if sys.platform == "linux" else 1024)
