"""Labelled images from an .npz file or the hub, checked before anything is trained on them."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch

from plateaus.data.images import Images
from plateaus.errors import TrainingError, first_line

HUB_PREFIX = "hub:"
NAMES = {
    "fashion": "T-shirt/top Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag".split()
    + ["Ankle boot"],
    "cifar": "airplane automobile bird cat deer dog frog horse ship truck".split(),
}
"""What the classes are called, by the beginning of the file's name; other files number them."""
_HELD_OUT = 5  # of a file without a test split, every fifth image of a fixed random order


def load_images(
    source: str, name: str, revision: str | None = None, *, option: str = "--data"
) -> Images:
    """Images from ``source``: a folder that holds ``<name>.npz``, an .npz file, or
    ``hub:<dataset>``.

    A file has ``Xtrain``, ``Ytrain``, ``Xtest``, ``Ytest``, or ``X`` and ``Y`` alone, of which a
    fixed random fifth is held out; pixels are uint8, ``(samples, size, size)`` or ``(samples, size,
    size, channels)``. ``option`` is what the source is called where it was given.

    Raises:
        TrainingError: nothing there, or not such arrays.
    """
    if not isinstance(source, str) or not isinstance(name, str):
        raise TrainingError(
            f"{option} is a folder, a file or hub:<dataset>, given: {source!r:.80}: give it as "
            "text."
        )
    if source.startswith(HUB_PREFIX):
        return _from_hub(source.removeprefix(HUB_PREFIX), revision)
    path = Path(source)
    if path.is_dir():
        present = sorted(p.stem for p in path.glob("*.npz"))
        path = path / f"{name}.npz"
        if not path.is_file():
            held = " or ".join(present)
            advice = f"choose images={held or 'a file that exists'} with --set, or another folder"
            if option != "--data":  # which alone has a setting for the file beside it
                advice = (
                    f"give {f'{held}.npz in it' if held else 'an .npz file'}, or another folder"
                )
            raise TrainingError(f"{option} {source} has no {name}.npz: {advice}.")
    try:
        with np.load(path) as file:
            arrays = {key: file[key] for key in file.files}
    except (  # of these, the last two where a bare array was saved
        OSError,
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        AttributeError,
        TypeError,
    ) as error:
        raise TrainingError(
            f"{option} {source} could not be read as images ({first_line(error)}): give a "
            "folder with .npz files, one such file, or hub:<dataset>."
        ) from error
    if {"X", "Y"} <= set(arrays):
        _check_split(path.name, "", arrays["X"], arrays["Y"])
        order = np.random.default_rng(0).permutation(len(arrays["X"]))
        held, kept = order[::_HELD_OUT], np.delete(order, np.s_[::_HELD_OUT])
        arrays = {
            f"{k}{part}": arrays[k][rows]
            for part, rows in (("train", kept), ("test", held))
            for k in "XY"
        }
    missing = [key for key in ("Xtrain", "Ytrain", "Xtest", "Ytest") if key not in arrays]
    if missing:
        raise TrainingError(
            f"{path.name} has no array {missing[0]} (it has "
            f"{', '.join(sorted(arrays)) or 'none'}): name them Xtrain, Ytrain, Xtest and Ytest, "
            "or X and Y."
        )
    names = next((names for start, names in NAMES.items() if path.stem.startswith(start)), ())
    return _checked(path.stem, arrays, tuple(names))


def _from_hub(name: str, revision: str | None) -> Images:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise TrainingError(
            f"reading {name!r} from the hub needs the package 'datasets': install it, or give "
            "--data a folder of .npz files."
        ) from error
    arrays = {}
    try:
        for split in ("train", "test"):
            rows = load_dataset(name, split=split, revision=revision)
            pixels, label = (
                next(c for c in rows.column_names if c in known)
                for known in (("image", "img"), ("label", "labels", "fine_label"))
            )
            arrays[f"X{split}"] = np.stack([np.asarray(image) for image in rows[pixels]])
            arrays[f"Y{split}"] = np.array(rows[label])
        names = tuple(getattr(rows.features[label], "names", ()))
    except (OSError, ConnectionError, ValueError, LookupError, ImportError, StopIteration) as error:
        raise TrainingError(
            f"the hub data set {name!r} could not be read as images ({type(error).__name__}): it "
            "needs splits train and test with columns image and label, images of one size, the "
            "package 'pillow' and a network, or give --data a folder of .npz files."
        ) from error
    return _checked(name, arrays, names)


def _check_split(name: str, split: str, x: np.ndarray, y: np.ndarray) -> None:
    if (
        x.dtype != np.uint8
        or x.ndim not in (3, 4)
        or not x.size
        or x.shape[1] != x.shape[2]
        or (x.ndim == 4 and x.shape[3] not in (1, 3))
    ):
        raise TrainingError(
            f"X{split} of {name} is {x.dtype} of shape {x.shape}: images are uint8 of shape "
            "(samples, size, size) or (samples, size, size, 1 or 3), at least one."
        )
    if y.shape != x.shape[:1] or y.dtype.kind not in "iu" or y.min() < 0:
        raise TrainingError(
            f"Y{split} of {name} is {y.dtype} of shape {y.shape} for {len(x)} images: labels are "
            "whole numbers from 0, one for each image."
        )


def _checked(name: str, arrays: dict[str, np.ndarray], names: tuple[str, ...]) -> Images:
    for split in ("train", "test"):
        _check_split(name, split, arrays[f"X{split}"], arrays[f"Y{split}"])
    shapes = [arrays[f"X{split}"].shape[1:] for split in ("train", "test")]
    highest = [int(arrays[f"Y{split}"].max()) for split in ("train", "test")]
    classes = highest[0] + 1
    if shapes[0] != shapes[1] or highest[1] > highest[0] or classes < 2:
        raise TrainingError(
            f"{name} has training images {shapes[0]} with {classes} classes and test images "
            f"{shapes[1]} with labels up to {highest[1]}: both must have one shape and the same "
            "classes, at least 2."
        )
    if classes > len(arrays["Xtrain"]):
        raise TrainingError(
            f"{name} has labels up to {highest[0]} for {len(arrays['Xtrain'])} training images: "
            "number the classes 0, 1, 2, ... without gaps."
        )
    pixels = {
        split: np.ascontiguousarray(np.moveaxis(x.reshape(*x.shape[:3], -1), 3, 1))
        for split, x in (("train", arrays["Xtrain"]), ("test", arrays["Xtest"]))
    }
    return Images(
        name=name,
        names=names if len(names) == classes else tuple(map(str, range(classes))),
        train=torch.from_numpy(pixels["train"]),
        labels=torch.from_numpy(arrays["Ytrain"].astype(np.int64)),
        test=torch.from_numpy(pixels["test"]),
        test_labels=torch.from_numpy(arrays["Ytest"].astype(np.int64)),
    )
