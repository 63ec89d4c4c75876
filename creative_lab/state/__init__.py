"""What people change: reference data, spots, prompts, settings, approvals, in Postgres."""
