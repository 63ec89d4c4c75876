"""Small models trained on the drawn world in the formats of their big siblings, and the command that trains them.

Each is loaded by the same library call as the model it stands for, from a folder below ``data/models``.
"""
