"""Paths through an activation space, plateaus, merge heights and exact piecewise-linear
geometry.
"""
