"""``plateaus train toy``: the recipe of the toy chapters with its data, as files with a card."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from plateaus.data.toy import INPUTS, ToyData, folded_wave, shuffled, spiral
from plateaus.networks.load import device as torch_device
from plateaus.networks.toy import ARCHITECTURES, build
from plateaus.training.files import write_sums
from plateaus.training.folders import check_target, replaced
from plateaus.training.options import INFINITE, assignments, choose
from plateaus.training.toy import Recipe, Trained, accuracy, log_spaced, train

CHOICES = {
    "architecture": tuple(ARCHITECTURES),
    "task": ("spiral", "wave"),
    "inputs": INPUTS,
    "labels": ("true", "shuffled"),
}
BOUNDS = {
    "noise": (0, 0.99),
    "classes": (2, INFINITE),
    "checkpoints": (0, INFINITE),
    "seed": (0, INFINITE),
}


@dataclass(frozen=True, kw_only=True)
class ToySettings:
    """One training of several networks that differ in their seed."""

    name: str = "toy"
    architecture: str = "residual"
    """``"residual"`` is the proposal's network; ``"no-norm"``, ``"no-skip"``, ``"gelu"`` and
    ``"linear"`` change one part of it.
    """
    task: str = "spiral"
    """``"spiral"`` (sectors of theta + 4 r) or ``"wave"`` (the regression (sin x_1 + cos x_2) 1[x_1
    < 0]).
    """
    classes: int = 2
    noise: float = 0.0
    """Share of wrong labels, or the standard deviation of noise in a regression's targets."""
    inputs: str = "uniform"
    labels: str = "true"
    """``"shuffled"``: the targets are dealt out once at random."""
    samples: int = 10_000
    width: int = 16
    blocks: int = 20
    epochs: int = 50
    batch: int = 64
    rate: float = 1e-3
    networks: int = 5
    """How many are trained side by side, from seed ``seed`` on."""
    checkpoints: int = 8
    """How many are kept beside step 0, log-spaced."""
    seed: int = 0
    """Draws the data, and the first network."""
    device: str = "cpu"


def run(arguments: argparse.Namespace) -> None:
    s = choose(
        ToySettings(), assignments(arguments.set, ToySettings()), choices=CHOICES, bounds=BOUNDS
    )
    work = Path(arguments.work or Path("runs") / s.name)
    target = Path(work / "model" if arguments.export is None else arguments.export)
    check_target(target, work)
    work.mkdir(parents=True, exist_ok=True)
    trained = train_toy(s, work)
    with replaced(target, work) as folder:
        ship(s, trained, folder)
    print(f"exported to {target}", flush=True)


def toy_data(s: ToySettings, seed: int, samples: int) -> ToyData:
    """The data of these settings, drawn with ``seed``; targets are in their places."""
    options = {"samples": samples, "noise": s.noise, "inputs": s.inputs, "seed": seed}
    return spiral(classes=s.classes, **options) if s.task == "spiral" else folded_wave(**options)


def train_toy(s: ToySettings, work: Path) -> Trained:
    """Train with a line of progress after every epoch; a run that was killed goes on after its last
    whole epoch.
    """
    data = toy_data(s, s.seed, s.samples)
    data = shuffled(data, seed=s.seed) if s.labels == "shuffled" else data
    recipe = Recipe(
        epochs=s.epochs, batch=s.batch, rate=s.rate, seeds=tuple(range(s.seed, s.seed + s.networks))
    )
    recipe = Recipe(
        **{**vars(recipe), "checkpoints": log_spaced(recipe.steps(s.samples), s.checkpoints)}
    )
    spoken = [time.monotonic()]

    def report(epoch: int, loss: Tensor) -> None:
        spoken.append(time.monotonic())
        speed = (
            s.networks * recipe.steps(s.samples) // s.epochs * s.batch / (spoken[-1] - spoken[-2])
        )
        left = (s.epochs - epoch) * (spoken[-1] - spoken[0]) / (len(spoken) - 1)
        print(
            f"epoch {epoch}/{s.epochs}  loss {loss.mean():.4f}  {speed:,.0f} samples/s  {left / 60:.1f} min left",
            flush=True,
        )

    return train(
        lambda: build(s.architecture, width=s.width, blocks=s.blocks, outputs=data.outputs),
        data,
        recipe,
        device=torch_device(s.device),
        state=work / "state.pt",
        known=asdict(s),
        report=report,
    )


def ship(s: ToySettings, trained: Trained, folder: Path) -> dict:
    """Weights as ``seed-<s>/step-<n>.safetensors`` with record, card and checksums; returns the
    record.
    """
    trained.save(folder)
    fresh = toy_data(s, s.seed + 1_000_003, 5_000)
    scores = {
        f"step {step}": [_score(trained.module(k, step=step), fresh) for k in range(s.networks)]
        for step in trained.steps
    }
    commonest = (
        (fresh.clean.bincount().max() / len(fresh)).item()
        if fresh.classes
        else fresh.clean.var().item()
    )
    record = {
        "name": s.name,
        "settings": asdict(s),
        "steps": trained.steps[-1],
        "measured": "accuracy" if fresh.classes else "squared error",
        "scores": scores,
        "commonest": commonest,
        "loss": trained.loss.tolist(),
        "versions": {"torch": torch.__version__},
    }
    (folder / "training.json").write_text(json.dumps(record, indent=1) + "\n")
    (folder / "README.md").write_text(card(record))
    write_sums(folder)
    return record


def _score(module: torch.nn.Module, data: ToyData) -> float:
    """Accuracy on what is true, noise apart, or the mean squared error of a regression."""
    if data.classes is not None:
        return accuracy(module, data)
    with torch.no_grad():
        return (
            (module(data.x.to(next(module.parameters()).dtype)) - data.clean).square().mean().item()
        )


def card(record: dict) -> str:
    """Markdown for ``README.md`` from the record that is saved as ``training.json``."""
    s, kind = record["settings"], record["measured"]
    changed = "".join(
        f" --set {name}={value}"
        for name, value in s.items()
        if name != "device" and value != getattr(ToySettings(), name)
    )
    task = (
        f"{s['classes']} spiral sectors"
        if s["task"] == "spiral"
        else "the folded wave (sin x₁ + cos x₂)·1[x₁ < 0]"
    )
    lines = [
        f"# {record['name']}",
        "",
        f"{s['networks']} toy networks (`{s['architecture']}`: Linear(2 → {s['width']}), {s['blocks']} blocks, head), seeds {s['seed']} to "
        f"{s['seed'] + s['networks'] - 1}, trained for this book on {s['samples']:,} points of {task}, inputs {s['inputs']}, noise {s['noise']:g}, "
        f"{'targets dealt out at random: a control' if s['labels'] == 'shuffled' else 'true targets'}.",
        "",
        f"- **Recipe:** Adam, rate {s['rate']:g}, batch {s['batch']}, {s['epochs']} epochs ({record['steps']:,} steps), float64.",
        f"- **Made by:** `plateaus train toy{changed}`; settings and loss curves are in `training.json`.",
        "- **Storage:** `seed-<s>/step-<n>.safetensors`, float64. To load one:",
        "",
        "```python",
        "from safetensors.torch import load_file",
        "from plateaus.networks import residual, toy",
        "",
        f'module = toy.build("{s["architecture"]}", width={s["width"]}, blocks={s["blocks"]}, outputs={s["classes"] if s["task"] == "spiral" else 1}).double()',
        f'module.load_state_dict(load_file("seed-{s["seed"]}/step-{record["steps"]}.safetensors"))',
        "net = residual.network(module)",
        "```",
        "",
        f"## 5,000 fresh points: {kind} ({'the commonest class: ' if kind == 'accuracy' else 'variance of the targets: '}{record['commonest']:.3f})",
        "",
        "| checkpoint | mean over seeds | lowest | highest |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {step} | {sum(values) / len(values):.3f} | {min(values):.3f} | {max(values):.3f} |"
        for step, values in record["scores"].items()
    ]
    return "\n".join(lines) + "\n"
