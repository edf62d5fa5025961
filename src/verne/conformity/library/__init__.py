"""Frameworks as libraries: loaded in versions, compared, updated, assessed by hand, exported.

A library is a file in the framework YAML that the community exchanges. Its text is kept as it came
and vouched for by its digest; frameworks, nodes and mappings are read out of it. What people judged
about a node is never lost when the library changes: a node that is gone is retired, with its
successor where there is one. Our own catalogue is a library like the others, only that it is judged
from the records.
"""
