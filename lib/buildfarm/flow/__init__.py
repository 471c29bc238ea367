"""Layer 2: Twisted without the domain: threads, queues, timers, children, start and stop."""
