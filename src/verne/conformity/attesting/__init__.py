"""Attestations: what no record of the work shows, judged and signed by the accountable person.

Some conditions only people can judge. Whoever holds the role that answers for an obligation says
what they judge, why, and until when it counts, and signs it. It supplements what the records show
and never overrides it: a failing check stays failing.
"""
