"""Run the public code of Shinkle & Heimersheim (2025), unchanged, on a GPT-2 in the hub's format.

``python theirs.py CHECKOUT REQUEST.json OUT.npz``, in its own process: that code needs
TransformerLens 2, which nothing here can be imported beside. So nothing of this package is imported
either; what ``plateaus.bench.published_code`` asks comes in a file:

    {"model": folder, "pairs": [[context, last word of A, of B], ...], "steps": 50,
     "dtype": "float64", "centred": false, "patches": null or [...], "modes": ["none", ...],
     "jacobians": null or steps of the path at which they are taken, "threads": 1}

``OUT.npz`` has arrays by names such as ``0/rho/none/0/11`` (pair, mode, patch, reading), and
``about``, JSON: seconds of each part, on the processor and of the clock, how many of its own checks
failed, the bytes that the code would have saved, and what it says of a figure without a line.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

SCRIPTS = {
    "patching": "interpolate_and_record_activations",
    "attention": "jacobians_attention",
    "mlp": "jacobians_mlp",
    "block": "jacobians_layerwise",
    "chain": "jacobians_full_residual",
    "splines": "spline_plots",
    "sizes": "step_sizes_plots",
    "utils": "utils",
}
FREEZE = {"none": {}, "attention": {"freeze_attention": True}, "mlp": {"freeze_mlp": True}}


def scripts(checkout: Path) -> dict[str, Any]:
    """The modules of the checkout, as they are; they read ``config.yaml`` where they run."""
    os.environ["MPLBACKEND"] = "agg"
    os.chdir(checkout)
    sys.path.insert(0, str(checkout / "scripts"))
    return {name: importlib.import_module(file) for name, file in SCRIPTS.items()}


def without_assertions(module: ModuleType) -> ModuleType:
    """A second copy of a script whose assertions are not compiled."""
    copy = ModuleType(module.__name__)
    copy.__file__ = module.__file__
    source = Path(module.__file__).read_text(encoding="utf-8")
    exec(compile(source, module.__file__, "exec", optimize=1), copy.__dict__)
    return copy


def loaded(folder: str, dtype: str, centred: bool) -> Any:
    """A HookedTransformer with the weights of ``folder``; ``centred`` as its loader would do."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights
    from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

    gpt2 = GPT2LMHeadModel.from_pretrained(folder, dtype=getattr(torch, dtype))
    shape = gpt2.config
    config = HookedTransformerConfig(
        n_layers=shape.n_layer,
        d_model=shape.n_embd,
        n_ctx=shape.n_positions,
        d_head=shape.n_embd // shape.n_head,
        n_heads=shape.n_head,
        d_mlp=shape.n_inner or 4 * shape.n_embd,
        d_vocab=shape.vocab_size,
        eps=shape.layer_norm_epsilon,
        act_fn=shape.activation_function,
        normalization_type="LN",
        original_architecture="GPT2LMHeadModel",
        dtype=getattr(torch, dtype),
        device="cpu",
    )
    file, end = str(Path(folder) / "tokenizer.json"), "<|endoftext|>"
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=file, eos_token=end, name_or_path=folder)
    tokenizer.add_bos_token = True  # else the library looks for another one that begins texts
    model = HookedTransformer(config, tokenizer=tokenizer, move_to_device=False)
    model.load_and_process_state_dict(
        convert_gpt2_weights(gpt2, config),
        fold_ln=False,
        center_unembed=False,
        center_writing_weights=centred,
        fold_value_biases=centred,
    )
    return model.eval()


class Run:
    """One request, with the time of each part."""

    def __init__(self, code: dict[str, Any], request: dict[str, Any]) -> None:
        self.code, self.asked = code, request
        self.model = loaded(request["model"], request["dtype"], request["centred"])
        self.layers = self.model.cfg.n_layers
        self.found: dict[str, np.ndarray] = {}
        self.seconds: dict[str, list[float]] = {}
        """Of each part, on the processor and of the clock."""
        self.failed: dict[str, int] = {}
        self.bytes = 0

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        start = time.process_time(), time.perf_counter()
        yield
        used = time.process_time() - start[0], time.perf_counter() - start[1]
        before = self.seconds.get(name, (0, 0))
        self.seconds[name] = [x + y for x, y in zip(before, used, strict=True)]

    def keep(self, name: str, values: Any) -> None:
        self.found[name] = np.asarray(values, dtype=np.float64)

    def pair(self, number: int, context: str, words: list[str]) -> None:
        """All parts of their pipeline for one pair, plots and files left out."""
        code, steps = self.code["patching"], self.asked["steps"]
        for i, word in enumerate(words):
            ids = self.model.to_tokens(f"{context} {word}", prepend_bos=False)
            self.keep(f"{number}/ids/{i}", ids[0])
        with self.timed("ends"):
            ends = [
                code.collect_original_activations(self.model, context, word, "cpu")
                for word in words
            ]
        for layer in range(self.layers):
            for i, end in enumerate(ends):
                self.keep(f"{number}/end/{i}/{layer}", end[f"layer{layer}_resid_post"])
        patches = self.asked["patches"]
        for mode in self.asked["modes"]:
            for layer in range(self.layers) if patches is None else patches:
                with self.timed("patched"):
                    seen = code.interpolate_resid_post_layer(
                        self.model, context, *ends, layer, steps, "cpu", **FREEZE[mode]
                    )
                self.bytes += sum(v.numel() * v.element_size() for v in seen.values())
                self.curves(f"{number}/rho/{mode}/{layer}", seen, layer)
                if mode == "none" and layer == 0:
                    self.first(str(number), seen)

    def curves(self, name: str, seen: dict[str, torch.Tensor], layer: int) -> None:
        """Relative distances at every reading; the numbers of three of their scripts."""
        relative = self.code["utils"].compute_relative_distances
        with self.timed("relative distances"):
            for reading in range(layer, self.layers):
                self.keep(f"{name}/{reading}", relative(seen[f"layer{reading}_resid_post"]))
            self.keep(f"{name}/logits", relative(seen["logits"]))
        self.keep(f"{name}/last", seen[f"layer{self.layers - 1}_resid_post"][[0, -1], -1])

    def first(self, name: str, seen: dict[str, torch.Tensor]) -> None:
        """What is done with the patch at layer 0: steps, splines, Jacobians."""
        with self.timed("splines and steps"):
            sizes = self.code["sizes"].compute_step_sizes(seen, "resid_post")
            for layer in range(self.layers):
                post, mid = seen[f"layer{layer}_mlp_post"], seen[f"layer{layer}_resid_mid"]
                density = self.code["splines"].compute_normalized_hamming_distances(post, mid)
                self.keep(f"{name}/density/{layer}", density)
                self.keep(f"{name}/step_size/{layer}", sizes[f"Layer {layer}"])
        if self.asked["jacobians"] is not None:
            some = self.asked["jacobians"]
            self.jacobians(name, {k: v[some] for k, v in seen.items()})

    def jacobians(self, name: str, seen: dict[str, torch.Tensor]) -> None:
        """Norms of their four kinds, and of their three products over layers."""
        n, take = self.layers, self.take
        kinds: dict[str, Callable[[int], torch.Tensor]] = {
            "attention": lambda k: take("attention", seen[f"layer{k - 1}_resid_post"], k, seen),
            "mlp": lambda k: take("mlp", seen[f"layer{k}_resid_mid"][:, -1], k, seen),
            "block": lambda k: take("block", seen[f"layer{k}_resid_post"], k, seen),
        }
        for kind, make in kinds.items():
            product = None
            for layer in range(1, n - 1 if kind == "block" else n):  # as their loops go
                with self.timed(f"Jacobians, {kind}"):
                    jacobian = make(layer)
                self.keep(f"{name}/norm/{kind}/{layer}", jacobian.flatten(1).norm(dim=1))
                with self.timed("products"):
                    product = jacobian if product is None else torch.bmm(jacobian, product)
            self.keep(f"{name}/product/{kind}", product.flatten(1).norm(dim=1))
        with self.timed("Jacobians, chain"):
            chain = self.code["chain"].compute_jacobian_full_residual(
                self.model, seen["layer0_resid_post"], "cpu"
            )
        self.keep(f"{name}/chain", chain.flatten(1).norm(dim=1))

    def take(self, kind: str, x: torch.Tensor, layer: int, seen: dict[str, Any]) -> torch.Tensor:
        """Their Jacobians; where their own check of them fails, without that check."""
        of = {"attention": "attention", "mlp": "mlp", "block": "layerwise"}[kind]
        function = f"compute_jacobian_{of}"
        try:
            return getattr(self.code[kind], function)(self.model, x, layer, "cpu", seen)
        except AssertionError:
            self.failed[kind] = self.failed.get(kind, 0) + 1
            plain = without_assertions(self.code[kind])
            return getattr(plain, function)(self.model, x, layer, "cpu", seen)


def empty_figure(utils: ModuleType) -> str:
    """What their plot says where a gap is as deep as the model, so that no line is left."""
    pairs = [["a", "b"], ["c", "d"]]
    data = {"a_b": {}, "c_d": {}}
    try:
        utils.generate_interpolation_results_plot(data, "", "", os.devnull, 2, "", pairs)
    except ValueError as error:
        return str(error)
    return ""


def main(checkout: str, request: str, out: str) -> None:
    asked = json.loads(Path(request).read_text(encoding="utf-8"))
    out_file = Path(out).resolve()
    torch.set_num_threads(asked["threads"])
    run = Run(scripts(Path(checkout).resolve()), asked)
    for number, (context, *words) in enumerate(asked["pairs"]):
        run.pair(number, context, words)
    end = torch.as_tensor(run.found["0/end/0/0"])
    utils = run.code["utils"]
    run.keep("parallel", utils.slerp_rescale(end, 2 * end, 0.5))
    apart = torch.tensor([[1.0, 0.0], [-0.5, 0.75**0.5]], dtype=torch.float64)
    run.keep("obtuse", utils.slerp_rescale(*apart, 0.5))
    about = {"seconds": run.seconds, "failed": run.failed, "bytes": run.bytes}
    about["empty figure"] = empty_figure(utils)
    np.savez(out_file, about=json.dumps(about), **run.found)


if __name__ == "__main__":
    main(*sys.argv[1:])
