"""Documented information (7.5, 5.2): written, reviewed, approved, in force, read, reviewed again.

A document has a number and stays; it has an edition for each language, and each edition has
revisions, of which at most one is in force. People sign revisions, and what they signed is not
changed any more.
"""
