"""Layer 4: telling people and programs of failures, by mail and by webhook, out of the outbox."""
