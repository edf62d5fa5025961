"""Classification and priority: what incidents, requests and problems share.

Categories are records of their own, so that a list agreed on once is reviewed, retired and shown
with its history. The priority matrix is versioned: the one in force decides what impact and
urgency mean; without one, the usual three by three matrix applies.
"""
