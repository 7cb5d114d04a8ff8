"""Chapters that are tested must find their committed claims again."""

import os
from pathlib import Path

os.environ.setdefault(
    "PLATEAUS_COMMITTED", str(Path(__file__).parents[1] / "book" / "claims")
)
