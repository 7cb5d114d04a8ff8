"""Where a model lies: a shipped one's name, a directory or a hub id, and ``@`` a checkpoint."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plateaus.errors import CorruptModel, PlateauError, UnknownModel, UnsupportedModel, first_line
from plateaus.networks.embedded import embedded_names, models_folder

HUB_NAMES_WITHOUT_OWNER = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "distilgpt2")
CONFIG, RECORD, PROCESSOR = "config.json", "training.json", "preprocessor_config.json"
"""A model in the hub's format has the first, a folder of toy networks only the second; the third
says how images are prepared."""

MOST_LABELS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model that was asked for, before anything of it is read."""

    name: str
    """The name or directory or hub id, without what stands after ``@``."""
    folder: Path | None
    """Where it lies on disk; None: it is asked of the hub."""
    at: str | None = None
    """A checkpoint of a directory, or a revision of a hub id (branch, tag, commit)."""

    @property
    def title(self) -> str:
        """The name under which results are reported."""
        name = self.folder.name if self.folder else self.name
        return f"{name}@{self.at}" if self.at else name

    @property
    def shipped(self) -> bool:
        """Is it one of the book's own models, whose manifest must be there?"""
        return self.folder is not None and self.folder.parent == models_folder()

    @property
    def toy(self) -> bool:
        """A folder of toy networks, which are not in the hub's format."""
        return self.folder is not None and not (self.folder / CONFIG).is_file()

    @property
    def weights(self) -> str:
        """What the libraries read weights and configuration from."""
        if self.folder is None:
            return self.name
        return str(self.folder / "checkpoints" / self.at if self.at else self.folder)

    @property
    def home(self) -> str:
        """What they read the rest from: checkpoints share their model's tokeniser."""
        return self.name if self.folder is None else str(self.folder)

    @property
    def revision(self) -> dict[str, str]:
        """``{"revision": ...}`` for a hub id at one."""
        return {"revision": self.at} if self.folder is None and self.at else {}

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Whatever a library raises while it reads ``what`` becomes one sentence about it."""
        try:
            yield
        except PlateauError:
            raise
        except Exception as error:
            reason = first_line(error)
            if self.folder is None:
                raise UnknownModel(f"{unknown(self.name)} The hub said: {reason}.") from None
            raise CorruptModel(
                f"The {what} in {self.weights} could not be read ({reason}): restore the files "
                "of the model or train it again."
            ) from None


def find(name: str | os.PathLike, at: str | None = None) -> Source:
    """The source that ``name`` or ``name@at`` stands for.

    Raises:
        UnknownModel: nothing of that name, or no such checkpoint.
        CorruptModel: a directory that holds no model.
    """
    if not isinstance(name, str | os.PathLike) or not str(name).strip():
        raise UnknownModel(
            f"A model is a name, a directory or a hub id, got {name!r}: give one of these as text."
        )
    name = str(name)
    if (folder := _folder(name)) is None and "@" in name:
        name, _, behind = name.rpartition("@")
        if at is not None and at != behind:
            raise UnknownModel(
                f'"{name}@{behind}" names a checkpoint and so does "{at}": give one of the two.'
            )
        at, folder = behind, _folder(name) if name else None
    if folder is not None and folder.parent.name == "checkpoints" and at is None:
        if (folder.parents[1] / CONFIG).is_file():  # a checkpoint by its own path
            name, at, folder = str(folder.parents[1]), folder.name, folder.parents[1]
    if folder is None and not _is_hub_id(name):
        raise UnknownModel(unknown(name))
    if folder is not None and at is not None:
        known = checkpoints(folder)
        parts = set() if (folder / CONFIG).is_file() else {p for k in known for p in k.split("/")}
        if at not in {*known, *parts}:
            raise UnknownModel(
                f'{name} has no checkpoint "{at}": it has {", ".join(known) or "none"}.'
            )
    return Source(name=name, folder=folder, at=at)


def checkpoints(folder: Path) -> tuple[str, ...]:
    """Names of the stored checkpoints, by their step; of toy networks "seed-0/step-100", by both.

    Toy networks also answer to "seed-0", the end of its training, and "step-100", of the first.
    """
    if (folder / CONFIG).is_file():
        names = [p.parent.name for p in folder.glob(f"checkpoints/*/{CONFIG}")]
    else:
        files = folder.glob("seed-*/step-*.safetensors")
        names = [f"{p.parent.name}/{p.stem}" for p in files]
    return tuple(sorted(names, key=lambda name: [(len(part), part) for part in name.split("/")]))


def config(source: Source) -> dict[str, Any]:
    """``config.json`` as it stands; code of its own and quantised weights are refused here.

    Raises:
        CorruptModel: not a JSON mapping with a ``model_type``.
        UnsupportedModel: the model brings its own code, or its weights are quantised.
    """
    if source.folder is None:
        from transformers import PretrainedConfig  # late: it takes seconds

        with source.reading("configuration"):
            found, _ = PretrainedConfig.get_config_dict(source.name, **source.revision)
    else:
        found = mapping(Path(source.weights) / CONFIG)
        described = Path(source.home) / "tokenizer_config.json"
        for file in (found, mapping(described) if described.is_file() else {}):
            if "auto_map" in file:
                raise UnsupportedModel(
                    f"{source.title} brings program code of its own (auto_map), and code from a "
                    "model's folder is never run here: use a model of an architecture that the "
                    "transformers library has."
                )
    if {"architecture", "pretrained_cfg"} <= found.keys():  # timm's own way to write it
        kind = "TimmWrapperForImageClassification"
        found = {"model_type": "timm_wrapper", "architectures": [kind], **found}
    if not isinstance(found.get("model_type"), str):
        raise CorruptModel(
            f"The configuration of {source.title} does not name its model_type: restore its "
            f"{CONFIG}, or give another model."
        )
    labels = found.get("num_labels", 0)
    if not isinstance(labels, int) or labels > MOST_LABELS:  # the library lists all their names
        raise CorruptModel(
            f"The configuration of {source.title} has num_labels = {labels!r:.80}, and at most "
            f"{MOST_LABELS} are needed: restore its {CONFIG}."
        )
    if "quantization_config" in found:
        raise UnsupportedModel(
            f"The weights of {source.title} are quantised, and activations are measured at full "
            "precision here: give the model that it was made from."
        )
    return found


def unknown(name: str) -> str:
    """The sentence about a name that nothing answers to."""
    here = ", ".join(embedded_names()) or "none is on this machine"
    return (
        f'No model "{" ".join(name.split())[:120]}": give a shipped one ({here}), a directory '
        f'that holds {CONFIG}, or a hub id such as "owner/name" and a network.'
    )


def _folder(name: str) -> Path | None:
    """Where a model lies on disk, if it does; a directory without one is refused."""
    try:
        given, embedded = Path(name).expanduser(), models_folder()
        given.exists()
    except (OSError, ValueError, RuntimeError):  # too long for a path, no such home
        return None
    shipped = [embedded / name] if embedded and os.sep not in name else []
    for folder in (given, *shipped):
        if (folder / CONFIG).is_file() or (folder / RECORD).is_file():
            return folder.resolve()
    if given.is_file():
        raise CorruptModel(f"{name} is a file: give the directory of the model that it belongs to.")
    if given.is_dir():
        raise CorruptModel(
            f"The directory {name} holds no {CONFIG}: a model's directory has {CONFIG}, "
            "model.safetensors and, for a language model, a tokeniser."
        )
    return None


def _is_hub_id(name: str) -> bool:
    owner, _, model = name.partition("/")
    plain = not name.startswith((".", "~", "/")) and "/" not in model
    return name in HUB_NAMES_WITHOUT_OWNER or bool(owner and model and plain)


def mapping(file: Path) -> dict[str, Any]:
    """A JSON file that holds a mapping.

    Raises:
        CorruptModel: it does not, or cannot be read.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # the last of a million brackets
        raise CorruptModel(
            f"{file} could not be read ({first_line(error)}): restore the file."
        ) from None
    if not isinstance(found, dict):
        raise CorruptModel(
            f"{file} holds a {type(found).__name__}, and a mapping is needed: restore the file."
        )
    return found
