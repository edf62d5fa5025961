"""Performance evaluation (9): whether the management system does what it says, and who says so."""
