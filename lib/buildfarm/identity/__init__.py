"""Layer 4: who asks: tokens checked, sessions, and what a visitor may see and do."""
