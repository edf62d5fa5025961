"""Configuration management (8.2.6): the items we have to control in order to deliver services.

Types say in how much detail each kind of item is recorded. Items are tied to one another by typed
links; the links that carry say what an item takes with it when it fails (`impact.py`).
"""
