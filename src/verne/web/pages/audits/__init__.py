"""Pages of audits: the coverage grid, the checklist, the sampling bench, the report, the room."""
