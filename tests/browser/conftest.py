"""Tests in a real browser: `make test-browser`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # visits.py is a plain module of this folder
