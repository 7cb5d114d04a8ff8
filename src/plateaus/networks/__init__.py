"""Networks as compositions of blocks on one activation space, and adapters that make them."""
