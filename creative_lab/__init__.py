"""Creative Lab: a Dagster asset graph for AI advertising production.

Rooms and the floors they stand on (a room imports from lower floors only):

- ground: ``settings``, ``lake``, ``state``
- abilities: ``reference``, ``language``
- work: ``adaptation``
- measuring and reviewing: ``metrics``, ``review``
- on top: ``definitions``, ``cli``; ``launch`` is known only to ``dagster.yaml`` and ``definitions``
"""
