"""Simplified Chinese: thousands are set apart, as in every table of figures."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
