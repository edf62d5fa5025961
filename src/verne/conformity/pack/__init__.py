"""The audit pack: the evidence of a period in one ZIP, which an outsider can check without us.

It holds the statement at the end of the period, each check with its population, some records with
their sealed history, the proofs that these entries lie in the signed tree, and the file that
verifies all of it. `making` puts it together, `showing` writes the pages for reading, `proving` the
proofs, `envelope` the ZIP. The other side is `verne.verifier`.
"""
