"""The engine: what every record of the management system has in common, written once."""
