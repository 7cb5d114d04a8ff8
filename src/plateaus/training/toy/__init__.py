"""Toy networks on points of the plane: ``train(build, data, Recipe(epochs=10))``."""

from plateaus.training.toy.many import Case, train_many
from plateaus.training.toy.recipe import Recipe, Trained, accuracy, log_spaced
from plateaus.training.toy.run import train

__all__ = ["Case", "Recipe", "Trained", "accuracy", "log_spaced", "train", "train_many"]
