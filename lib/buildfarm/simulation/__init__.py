"""Beside the layers: the whole manager on a virtual clock, in a farm that follows from a seed."""
