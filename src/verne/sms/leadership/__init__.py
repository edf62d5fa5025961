"""Leadership (5): who answers for what."""
