"""Language models on generated stories or on prose."""
