"""Beside the layers: builders that hang, lie, flood or die, each in its own way."""
