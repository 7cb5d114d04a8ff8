"""The card of a network that sees images; every number comes from the training record."""

from __future__ import annotations

from plateaus.training.image_settings import CONTRASTIVE, VISION

TITLES = {
    "fashion": "Fashion-MNIST (Zalando, MIT licence)",
    "mnist": "MNIST (CC BY-SA 3.0)",
    "cifar_convnetjs4000": "4,000 training images of CIFAR-10, from the repository convnetjs",
}


def card(record: dict) -> str:
    """Markdown for ``README.md`` from the record that is saved as ``training.json``."""
    s, data, contrastive = record["settings"], record["data"], record["recipe"] == "contrastive"
    lines = [
        f"# {record['name']}",
        "",
        f"A {_architecture(s)} of {record['parameters'] / 1e6:.2f} million parameters for images of {data['size']} × {data['size']} pixels "
        f"with {data['channels']} channel{'s' * (data['channels'] > 1)}, trained for this book {_objective(s, contrastive)}.",
        "",
        f"- **Images:** {TITLES.get(data['images'], data['images'])}: {data['training']:,} for training, {data['test']:,} for testing, {len(data['classes'])} classes.",
        f"- **Recipe:** {record['samples']:,} images seen in {record['steps']:,} steps of {s['batch']}; AdamW, peak learning rate {s['learning_rate']:g}, "
        f"warm-up {s['warmup']:.0%}, cosine to {s['final_rate']:.0%}, weight decay {s['weight_decay']:g}, clipping at {s['clip']:g}, seed {s['seed']}, "
        f"{s['precision']}{' autocast over float32 weights' if s['precision'] == 'bfloat16' else ''}.",
        f"- **Augmentation:** {_augmentation(s, contrastive)}.",
        f"- **Cost:** {record['minutes']:.0f} minutes with {s['threads']} CPU threads or a GPU; median {record['samples_per_second']:,} images/s.",
        f"- **Made by:** `{_command(record)}`; all settings and the loss curve are in `training.json`.",
        "- **Storage:** safetensors, the body's matrices in bfloat16 (compute in float32); pixels are divided by 255 and normalised with the mean and "
        "deviation in `preprocessor_config.json`."
        + (" `projection.safetensors` holds the projection head." if contrastive else ""),
        f"- **Checkpoints:** steps {', '.join(map(str, record['checkpoints']))} (`checkpoints/step-<n>`; the last is the model itself).",
        "",
        *_results(record, contrastive),
        "",
        *_curve(record["log"]),
    ]
    return "\n".join(lines) + "\n"


def _architecture(s: dict) -> str:
    numbers = lambda key: "-".join(map(str, s[key]))  # noqa: E731
    if s["body"] == "vit":
        return f"vision transformer ({s['depths'][0]} blocks, width {s['widths'][0]}, {s['heads']} heads, patches of {s['patch']} × {s['patch']})"
    return f"ResNet (basic blocks {numbers('depths')}, channels {numbers('widths')})"


def _objective(s: dict, contrastive: bool) -> str:
    if contrastive:
        return (
            f"without labels (SimCLR, temperature {s['temperature']:g}, {2 * s['batch']} views a step, compared in {s['projection']} dimensions); "
            f"its classifier is a linear probe on {s['probe']:,} labelled training images"
        )
    if s["labels"] == "shuffled":
        return "on labels dealt out at random once: a control, which can only learn by heart"
    return "on labelled images"


def _augmentation(s: dict, contrastive: bool) -> str:
    mirrored = "; half of the images mirrored" if s["flip"] == "yes" else ""
    if contrastive:
        return (
            f"windows of {s['crop']:.0%} to 100 % of the area, resized{mirrored}; each channel times 1 ± {s['brightness']:g} plus "
            f"± {s['brightness'] / 2:g}; noise of {s['noise']:g}"
        )
    return f"moves of up to {s['shift']} pixels{mirrored}"


def _command(record: dict) -> str:
    """The command that trains this model; models of other names come from a preset with changes."""
    s, presets = record["settings"], CONTRASTIVE if record["recipe"] == "contrastive" else VISION
    name = (
        record["name"]
        if record["name"] in presets
        else next(p for p, known in presets.items() if known.body == s["body"])
    )
    changed = "".join(
        f" --set {key}={','.join(map(str, value)) if isinstance(value, (tuple, list)) else value}"
        for key, value in s.items()
        if key not in ("device", "threads") and value != getattr(presets[name], key)
    )
    return f"plateaus train {record['recipe']} {name} --data DIRECTORY{changed}"


def _results(record: dict, contrastive: bool) -> list[str]:
    q = record["quality"]
    kind = " (linear probe)" if contrastive else ""
    rows = [
        (f"this model{kind}", q["accuracy"], q["loss"]),
        (
            f"step 0, untrained body{kind}" if contrastive else "step 0",
            q["accuracy_step_0"],
            q["loss_step_0"],
        ),
    ]
    lines = [
        f"## {record['data']['test']:,} test images",
        "",
        "| | accuracy | loss (nats) |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {accuracy:.1%} | {loss:.3f} |" for name, accuracy, loss in rows]
    return [
        *lines,
        f"| always the commonest class; all classes alike | {q['majority']:.1%} | {q['chance_loss']:.3f} |",
    ]


def _curve(log: list[dict]) -> list[str]:
    rows = [row for row in log if "test_accuracy" in row]
    columns = [key for key in rows[0] if key not in ("step", "samples")]
    lines = [
        "## Through training",
        "",
        f"| step | images seen | {' | '.join(c.replace('_', ' ') for c in columns)} |",
        "|---" * (2 + len(columns)) + "|",
    ]
    return lines + [
        f"| {row['step']} | {row['samples']:,} | {' | '.join(f'{row[c]:.3f}' for c in columns)} |"
        for row in rows
    ]
