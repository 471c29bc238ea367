"""Layer 5: the web service for launchpadlib and for whoever speaks its language."""
