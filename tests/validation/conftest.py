"""Reference rows that a test may alter."""

import shutil

import pytest

from sim.validation import reading


@pytest.fixture
def altered(tmp_path, monkeypatch):
    """Return a function that changes one cell of one row in a copy of the reference files, which are then read."""

    def alter(file, id, column, value):
        # a new folder each time: a file is read once
        folder = tmp_path / f"altered{len(list(tmp_path.glob('altered*')))}"
        shutil.copytree(reading.reference_dir(), folder)
        table = reading.table(file).astype({column: object})
        assert (table["id"] == id).sum() == 1
        table.loc[table["id"] == id, column] = value
        table.to_csv(folder / f"{file}.csv", index=False)
        monkeypatch.setattr(reading, "reference_dir", lambda: folder)

    return alter
