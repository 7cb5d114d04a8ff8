"""Networks that see images, with labels or without."""
