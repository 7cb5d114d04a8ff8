"""Property tests: seeded, exact where rational, with shared generators beside them."""

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

sys.path.insert(
    0, str(Path(__file__).parent)
)  # the generators and twins are plain modules of this folder

settings.register_profile(
    "plateaus",
    derandomize=True,
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("plateaus")
