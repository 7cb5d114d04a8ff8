"""Figures take a labelled result and an ``ax``, draw, and return the ``Axes``; they compute
nothing.
"""
