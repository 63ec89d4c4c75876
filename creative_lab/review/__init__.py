"""Where people decide: approvals bound to the exact content they saw."""
