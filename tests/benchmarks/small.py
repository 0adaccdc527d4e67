"""What a person waits for besides simulation: processor seconds of whole commands, as multiples of `import numpy, hydra` in the same minute."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

BASELINE = [sys.executable, "-c", "import numpy, hydra"]
TEXTBOOK = "scenarios=textbook_rct_pfs"

# (words of the command, its goal as a multiple of the baseline); `stored` runs once before it is measured
QUESTIONS = {
    "--help": (["--help"], 1.7),
    "a refused value": ([TEXTBOOK, "effect.hr=-1"], 1.7),
    "an unknown key": ([TEXTBOOK, "design.nn=3"], 1.7),
    "a run answered from the store": ([TEXTBOOK, "run.store=stored"], 3.0),
    "10,000 textbook replicates": ([TEXTBOOK, "run.store=null"], 5.0),
}


def processor_seconds(command: list[str], folder: Path) -> float:
    """Return the user and system time of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def small_questions(rounds: int) -> list[str]:
    """Return a JSON line for each question: its median over the rounds, baseline and questions by turns."""
    with tempfile.TemporaryDirectory(prefix="postcart-bench-") as name:
        folder = Path(name)
        commands = {what: [sys.executable, "-m", "sim", *words] for what, (words, _) in QUESTIONS.items()}
        processor_seconds(commands["a run answered from the store"], folder)
        base: list[float] = []
        took: dict[str, list[float]] = {what: [] for what in commands}
        for _ in range(rounds):
            base.append(processor_seconds(BASELINE, folder))
            for what, command in commands.items():
                took[what].append(processor_seconds(command, folder))
    return [
        json.dumps(
            {
                "question": what,
                "processor_seconds": round(median(seconds), 3),
                "multiple": round(median(seconds) / median(base), 2),
                "goal": QUESTIONS[what][1],
            }
        )
        for what, seconds in took.items()
    ]
