"""Texts and data: the laboratory language, corpora of prose, prompt pairs, toy point sets."""
