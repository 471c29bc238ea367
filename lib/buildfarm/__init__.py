"""The package build farm: see ARCHITECTURE.md for the map of its layers."""
