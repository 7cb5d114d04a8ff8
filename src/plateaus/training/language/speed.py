"""How fast the recipe trains here: tokens per second and the share of the machine's matrix-product
peak.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from plateaus.training.language.models import build_model, flops_per_token, optimisers
from plateaus.training.language.run import forward
from plateaus.training.language.settings import PRESETS, LanguageSettings
from plateaus.training.loop import repeatable
from plateaus.training.memory import keep_freed_memory
from plateaus.training.optimisers import advance

PLAIN = {"compile": "no", "optimiser": "adamw"}


def throughput(preset: str = "prose", *, steps: int = 12) -> dict[str, float]:
    """Train on random tokens: the recipe against the same model as the library runs it, and the
    bfloat16 peak, in one run.

    Returns:
        ``peak`` in FLOP/s; ``tokens_per_second`` and ``fraction`` of the peak for the recipe and,
        with the prefix ``plain_``, for the same model under autocast with the library's attention,
        uncompiled, moved by AdamW, memory given back after each step.
    """
    s = PRESETS[preset]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(s.threads)
    peak, out = bfloat16_peak(device), {}
    speed, work = _speed(replace(s, **PLAIN), device, steps, "sdpa")
    out |= {"plain_tokens_per_second": speed, "plain_fraction": speed * work / peak}
    with repeatable(s.threads):
        keep_freed_memory()
        speed, work = _speed(s, device, steps, None)
    return {"peak": peak, "tokens_per_second": speed, "fraction": speed * work / peak, **out}


def bfloat16_peak(device: str, size: int = 2048, repeats: int = 12) -> float:
    """FLOP/s of the best of several large bfloat16 matrix products."""
    x, y = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / min(_seconds(lambda: x @ y, device) for _ in range(repeats))


def _speed(
    s: LanguageSettings, device: str, steps: int, attention: str | None
) -> tuple[float, int]:
    """Median tokens per second after three steps that are not counted, and the operations for one
    token.
    """
    learn, model = learner(s, device, attention)
    times = [_seconds(learn, device) for _ in range(steps + 3)][3:]
    return s.batch * s.context / statistics.median(times), flops_per_token(model, s)


def plain_step(preset: str = "prose") -> Callable[[], None]:
    """One step of what ``throughput`` compares the recipe with."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return learner(replace(PRESETS[preset], **PLAIN), device, "sdpa")[0]


def learner(
    s: LanguageSettings, device: str, attention: str | None
) -> tuple[Callable[[], None], torch.nn.Module]:
    """A step on random tokens, and the model that it moves."""
    model = build_model(s, s.vocabulary).to(device)
    if attention:
        model.set_attn_implementation(attention)
    movers, loss, parameters = optimisers(model, s), forward(model, s), list(model.parameters())
    tokens = torch.randint(
        s.vocabulary, (s.batch, s.context + 1), generator=torch.Generator().manual_seed(0)
    )
    x, y = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    def learn() -> None:
        advance(loss(x, y), movers, parameters, s.clip).item()

    return learn, model


def _seconds(action: Callable[[], object], device: str) -> float:
    start = time.perf_counter()
    action()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start
