"""Why news did not reach a receiver.

Layer 4. Tests: tests/unit/notifying.
"""

from buildfarm.vocab.errors import FarmError


class DeliveryFailed(FarmError):
    """A receiver did not take a delivery, and may take it later."""


class DeliveryRefused(DeliveryFailed):
    """A receiver will never take this delivery."""
