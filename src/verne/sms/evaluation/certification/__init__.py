"""Certification: the body, the certificate, its scope, and the audits it asks for, with their days.

The days follow from the decision: a first surveillance within twelve months of it, then one in
each calendar year, and a recertification in time before the certificate ends. What the body finds
is kept as audit findings, with the day by which it wants an answer.
"""
