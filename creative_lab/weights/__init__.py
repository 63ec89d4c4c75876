"""Weights of models: what is known about them, where they are, and the check before they are loaded."""
