"""The command ``plateaus``: a thin dispatcher; each sub-command lives with the code it runs."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

from plateaus.errors import answered


def parser() -> argparse.ArgumentParser:
    """Sub-commands are added here, one function each; a sub-command sets ``run`` to what is called
    with its arguments.
    """
    top = argparse.ArgumentParser(
        prog="plateaus",
        description="Activation plateaus: build the book, train its models, measure speed.",
    )
    add = top.add_subparsers(required=True, metavar="command").add_parser
    _book(add("book", help="execute all chapters and build the pages"))
    _notebooks(
        add("notebooks", help="execute chapters in place, to commit them"),
        "plateaus.book.notebooks", "execute",
    )  # fmt: skip
    _notebooks(
        add("contract", help="list what chapters do not keep to"),
        "plateaus.book.contract", "report",
    )  # fmt: skip
    train = add("train", help="train a model of the book again, or one of your own")
    _train(train.add_subparsers(required=True, metavar="kind"))
    _models(add("models", help="measure the shipped language models: book/models/README.md"))
    _bench(add("bench", help="measure what the prefix cache and batching save, in one run"))
    _study(add("study", help="compute a result of part 3 that its chapters only read"))
    _collect(add("collect", help="merge the cells of a grid into one scoreboard"))
    return top


def _book(sub: argparse.ArgumentParser) -> None:
    def run(arguments: argparse.Namespace) -> None:
        from plateaus.book import build, places

        root = arguments.root or places.repository()
        page = build.build(root, again=not arguments.committed, as_pdf=arguments.pdf)
        print(f"The book is {os.path.relpath(page)}")
        if arguments.pdf:
            print(f"and {os.path.relpath(page.with_name(build.pdf.FILE))}")

    sub.add_argument("--root", type=Path, help="the checkout (default: the one of this package)")
    sub.add_argument(
        "--committed", action="store_true", help="execute nothing; show the committed outputs"
    )
    sub.add_argument("--pdf", action="store_true", help="also one PDF of it all; needs LaTeX")
    sub.set_defaults(run=run)


def _notebooks(sub: argparse.ArgumentParser, module: str, function: str) -> None:
    def run(arguments: argparse.Namespace) -> int | None:
        return getattr(importlib.import_module(module), function)(arguments.notebooks)

    sub.add_argument(
        "notebooks", nargs="*", type=Path, help="chapters (default: every one in _toc.yml)"
    )
    sub.set_defaults(run=run)


def _collect(sub: argparse.ArgumentParser) -> None:
    def run(arguments: argparse.Namespace) -> None:
        from plateaus.book.collect import collect

        made = collect(arguments.out, arguments.into, arguments.book, keep=arguments.keep)
        print(f"The scoreboard of all cells is {made}")

    sub.add_argument("out", type=Path, help="the grid's folder, as in its file")
    sub.add_argument("--into", type=Path, help="the netCDF file (default: grid.nc in that folder)")
    sub.add_argument(
        "--keep", action="store_true", help="keep what the netCDF file has of other cells"
    )
    sub.add_argument(
        "--book",
        type=Path,
        help="book/claims: the book's own rows stand for the cells with the defaults of a chapter",
    )
    sub.set_defaults(run=run)


def _study(sub: argparse.ArgumentParser) -> None:
    def run(arguments: argparse.Namespace) -> None:
        from plateaus.book import studies

        studies.save(
            arguments.name,
            tables=arguments.tables,
            weights=arguments.weights,
            images=arguments.images,
            out=arguments.out,
        )

    sub.add_argument("name", help="such as tasks; an unknown name is answered with all of them")
    sub.add_argument("--tables", help="folder of benchmark tables (kept there by pmlb)")
    sub.add_argument("--weights", help="vision: folder with resnet20.th and resnet56.th")
    sub.add_argument("--images", help="vision: folder with cifar_convnetjs4000.npz")
    sub.add_argument("--out", type=Path, help="folder (default: book/results of the checkout)")
    sub.set_defaults(run=run)


def _models(sub: argparse.ArgumentParser) -> None:
    def run(arguments: argparse.Namespace) -> None:
        import transformers

        from plateaus.book import models, places

        transformers.utils.logging.disable_progress_bar()
        folder = places.repository() / "book" / "models"
        (folder / "README.md").write_text(models.table(folder, models.measure(folder)) + "\n")

    sub.set_defaults(run=run)


def _bench(sub: argparse.ArgumentParser) -> None:
    def run(arguments: argparse.Namespace) -> None:
        from plateaus import bench

        only = arguments.only or tuple(bench.SECTIONS)
        options = {"model": arguments.model, "repeats": arguments.repeats, "only": only}
        print(bench.table(bench.bench(arguments.out, **options)))

    sub.add_argument(
        "--model",
        help="one model more in the file: embedded name, directory, hub id, or gpt2-shape or "
        "gpt2-large-shape with random weights (default: the former and an embedded one)",
    )
    sub.add_argument(
        "--only",
        nargs="+",
        metavar="SECTION",
        help="models, wholes, growth, memory or training (default: all); the others stay in the "
        "file as they were measured on the same machine",
    )
    sub.add_argument("--repeats", type=int, default=5, help="the median of how many runs")
    sub.add_argument(
        "--out", type=Path, default=Path("_build/bench.json"), help="where the figures go"
    )
    sub.set_defaults(run=run)


def _train(kinds: argparse._SubParsersAction) -> None:
    hub = argparse.ArgumentParser(add_help=False)
    hub.add_argument("--revision", help="revision of a hub data set")

    sub = kinds.add_parser("lm", help="a language model of GPT-2 architecture", parents=[hub])
    sub.add_argument("preset", help="laboratory (needs no data) or prose")
    sub.add_argument(
        "--corpus",
        help="prose: a folder of .txt or .txt.xz files (val* is held out), or hub:<dataset>, "
        "for example hub:sedthh/gutenberg_english",
    )
    _run_options(sub, "lm")

    for kind, presets, about in (
        (
            "vision",
            "vision-digits (needs no data), vision-resnet, vision-vit, or one of these two with "
            "-shuffled",
            "a network that names what an image shows",
        ),
        (
            "contrastive",
            "contrastive-digits (needs no data), contrastive-resnet or contrastive-vit",
            "the same networks without labels (SimCLR)",
        ),
    ):
        sub = kinds.add_parser(kind, help=about, parents=[hub])
        sub.add_argument("preset", help=presets)
        sub.add_argument(
            "--data",
            help="a folder with .npz files (fashion.npz by default), one such file, or "
            "hub:<dataset>",
        )
        _run_options(sub, kind)

    sub = kinds.add_parser(
        "toy", help="residual networks of width 16 on points of the plane; needs no data"
    )
    _run_options(sub, "toy")

    sub = kinds.add_parser(
        "dictionary", help="sparse features of what enters a block of a language model"
    )
    _run_options(sub, "dictionary")


def _run_options(sub: argparse.ArgumentParser, kind: str) -> None:
    """What every recipe takes, and the function that runs it, imported when it is called."""

    def run(arguments: argparse.Namespace) -> None:
        # Threads that wait for each other must sleep: on a shared machine spinning costs more than
        # half the speed. It is read when torch is loaded, which is why the import stands here.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        os.environ.setdefault("GOMP_SPINCOUNT", "0")
        # Or a GPU's matrix products would not repeat.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        importlib.import_module("plateaus.training.command").run(arguments)

    sub.add_argument(
        "--work",
        help="folder for state and checkpoints: new, empty, or that of a run, which then goes on "
        "(default runs/<name>)",
    )
    sub.add_argument(
        "--export",
        help="folder for the finished model and its card: new, empty, or an earlier export "
        "(default <work>/model)",
    )
    sub.add_argument(
        "--keep",
        type=int,
        default=99,
        help="how many checkpoints the export carries beside the finished model: step 0 first, "
        "then the latest",
    )
    sub.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change one setting of the preset; may be repeated",
    )
    sub.set_defaults(run=run, kind=kind)


def main(argv: list[str] | None = None) -> int:
    """Run one command."""
    arguments = parser().parse_args(argv)
    return answered(lambda: arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
