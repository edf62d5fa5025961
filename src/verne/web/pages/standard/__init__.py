"""The standard: its clauses with their status, down to the records a figure counts."""
