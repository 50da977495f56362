"""Weights and models that Keras saved: `.weights.h5`, `.h5` and `.keras`."""
