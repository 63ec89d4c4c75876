"""Diffusion pipelines: one template of loading and drawing, a small class per family."""
