"""Layer 4: source packages and chroots on their way in, for command line and web service alike."""
