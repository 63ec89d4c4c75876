"""Measurements about the platform itself, such as the quality of the gates."""
