"""The ordinary pages, made from the registers."""
