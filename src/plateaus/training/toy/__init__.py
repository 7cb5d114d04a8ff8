"""Toy networks on points of the plane: ``train(build, data, Recipe(epochs=10))``."""

from plateaus.training.toy.recipe import Recipe, Trained, accuracy, log_spaced
from plateaus.training.toy.run import train

__all__ = ["Recipe", "Trained", "accuracy", "log_spaced", "train"]
