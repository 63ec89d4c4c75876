"""Language models behind one client: budgets, structured replies, prompt templates, local models, the drafter."""
