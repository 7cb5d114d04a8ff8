"""How each family of networks that see images is taken apart into blocks and readings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from plateaus.networks.modules import Layer, Module


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A model taken apart: what is run one after the other, and what the whole says."""

    modules: Sequence[Module]
    """Batches of images in, feature maps or tokens out."""
    readouts: Mapping[str, Module]
    """A chain, as in ``Network.readouts``."""
    whole: Callable[[Tensor], Tensor]
    """The library's own answer for pixels, which the last of the chain must equal."""


def resnet(model: nn.Module) -> Parts:
    """Stem, then one block for each residual layer; read "pooled", of a classifier "logits"."""
    body = model.base_model
    layers = [layer for stage in body.encoder.stages for layer in stage.layers]
    readouts: dict[str, Module] = {"pooled": lambda maps: body.pooler(maps).flatten(1)}
    if hasattr(model, "classifier"):
        readouts["logits"] = model.classifier
    return Parts(
        modules=[body.embedder, *layers],
        readouts=readouts,
        whole=lambda x: _said(model(pixel_values=x), "pooler_output"),
    )


def vit(model: nn.Module) -> Parts:
    """Patches and positions, then one block for each layer; read "normed", all tokens, and of a
    classifier the "logits" of the first.
    """
    body = model.base_model
    readouts: dict[str, Module] = {"normed": body.layernorm}
    if hasattr(model, "classifier"):
        readouts["logits"] = lambda tokens: model.classifier(tokens[:, 0])
    return Parts(
        modules=[
            body.embeddings,
            *(Layer(module=g, parts={"attention": g.attention, "mlp": g.mlp}) for g in body.layers),
        ],
        readouts=readouts,
        whole=lambda x: _said(model(pixel_values=x), "last_hidden_state"),
    )


def detr(model: nn.Module) -> Parts:
    """The convolutional body; read "projected", what DETR's transformer is given."""
    body = model.base_model
    maps = body.backbone.model
    if hasattr(maps, "embedder"):
        layers = [layer for stage in maps.encoder.stages for layer in stage.layers]
        modules = [maps.embedder, *layers]
    else:
        modules = _residual(maps)

    def whole(x: Tensor) -> Tensor:
        everywhere = torch.ones(x.shape[0], *x.shape[2:], device=x.device)
        return body.input_projection(body.backbone(x, everywhere)[-1][0])

    return Parts(modules=modules, readouts={"projected": body.input_projection}, whole=whole)


def timm(model: nn.Module) -> Parts:
    """timm's vision transformers and ResNets, whose parts have timm's names."""
    body = model.timm_model
    if hasattr(body, "blocks"):

        def stem(x: Tensor) -> Tensor:
            return body.norm_pre(body.patch_drop(body._pos_embed(body.patch_embed(x))))

        layers = [Layer(module=g, parts={"attention": g.ls1, "mlp": g.ls2}) for g in body.blocks]
        modules = [stem, *layers]
        readouts = {"normed": body.norm, "logits": body.forward_head}
    else:
        modules = _residual(body)
        readouts = {"pooled": body.global_pool, "logits": body.fc}
    return Parts(modules=modules, readouts=readouts, whole=body)


FAMILIES = {
    "resnet": resnet,
    "regnet": resnet,
    "vit": vit,
    "deit": vit,
    "detr": detr,
    "timm_wrapper": timm,
}
"""By the ``model_type`` of a configuration."""


def _said(out: Mapping[str, Tensor], otherwise: str) -> Tensor:
    return out["logits"] if "logits" in out else out[otherwise]


def _residual(body: nn.Module) -> list[Module]:
    """Stem and residual layers of a ResNet of timm's."""
    stem = nn.Sequential(body.conv1, body.bn1, body.act1, body.maxpool)
    return [stem, *(layer for i in range(1, 5) for layer in getattr(body, f"layer{i}"))]
