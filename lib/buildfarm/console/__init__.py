"""Layer 1: what command lines have in common: tables and JSON on a terminal, and how they end."""
