"""Run the program: `python -m sim` and the console script `postcart` are the same thing."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    from sim.app.main import main as run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
