"""Relationship and agreement (8.3): whom we serve, and what we have agreed with them."""
