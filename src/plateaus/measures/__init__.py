"""Measurements on what a network does to a path."""
