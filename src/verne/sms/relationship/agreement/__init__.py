"""Service level management (8.3.3): what is agreed with customers, and what came of it.

An agreement (SLA) is made in versions. A version that both sides have signed is never changed: a
new one is drafted from it and takes its place. The version in force gives the clocks of incidents
and requests their targets (`targets.py`); what the clocks say is measured by window
(`measuring.py`).
"""
