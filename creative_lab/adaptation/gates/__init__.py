"""The four gates that an adapted script must pass: exact checks, a rubric, and the record of a judgement.

``check`` finds what can be decided without a model: the same draft always gives the same findings. ``verdict`` is the
rubric, the same at every gate and for findings of either source. ``merge`` joins the findings of the checks with the
issues that a model reported into the record that is kept.
"""

from __future__ import annotations

from creative_lab.adaptation.gates.checking import check
from creative_lab.adaptation.gates.rubric import merge, verdict

__all__ = ["check", "merge", "verdict"]
