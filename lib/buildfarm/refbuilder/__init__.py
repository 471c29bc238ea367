"""Beside the layers: a builder daemon of launchpad-buildd's protocol, for trusted sources."""
