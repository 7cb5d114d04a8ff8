"""The models' page has its pictures; their captions have the numbers of its tables."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from plateaus.book import training_pictures


def test_every_history_has_its_picture_with_the_numbers_of_its_table(
    root: Path, tmp_path: Path
) -> None:
    models = root / "book" / "models"
    shutil.copy(models / "README.md", tmp_path)
    training_pictures.place(models, tmp_path)
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    names = re.findall(r"## (\S+) through training\n\n```{figure} \1\.png\n", page)
    assert names and len(names) == page.count(" through training\n")
    for name in names:
        assert (tmp_path / f"{name}.png").stat().st_size > 2000
        table = page.split(f"## {name} through")[1].split("\n## ")[0].splitlines()
        rows = [[c.strip() for c in r.strip("|").split("|")] for r in table if r.startswith("| ")]
        first, last = (row[3].split()[0] for row in (rows[1], rows[-1]))
        assert f"slope of the stream goes from {first} to {last};" in page


def test_changed_records_change_the_caption(root: Path, tmp_path: Path) -> None:
    models = root / "book" / "models"
    record = json.loads((models / "prose-12l" / "training.json").read_text())
    measured = json.loads((models / "slopes.json").read_text())["prose-12l"]
    measured["0"] = measured["0"] | {"stream": [7.77, 7.0, 8.0]}
    assert "goes from 7.77 to" in training_pictures.picture(record, measured, tmp_path)
