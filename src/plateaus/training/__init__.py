"""Training recipes: language models (``lm``) and the small networks of the toy chapters."""
