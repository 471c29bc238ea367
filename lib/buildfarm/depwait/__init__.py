"""Layer 4: builds that wait for packages are tried again once these can be installed."""
