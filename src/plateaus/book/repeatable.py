"""What makes two runs of a chapter print the same: seeds, and libraries that keep silent."""

from __future__ import annotations

import os
import random
import sys
import warnings


def seeded(seed: int) -> None:
    """Seed `random`, NumPy and PyTorch."""
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


def quiet() -> None:
    """Progress bars and advice on stderr would make every run's output different."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.filterwarnings("ignore", message="IProgress not found")
    if "transformers" in sys.modules:
        sys.modules["transformers"].utils.logging.set_verbosity_error()
        sys.modules["transformers"].utils.logging.disable_progress_bar()
