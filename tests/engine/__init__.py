"""The engine, tested by itself."""
