"""The seal: a tree of hashes over the history, signed, so that no change of it stays unnoticed.

Triggers forbid; the seal shows. Every act and each of its entries gets a place in a Merkle tree
(RFC 9162) whose root is signed and kept outside as well. Whoever owns the database can still change
a row, but not so that the tree, its signature and the roots kept elsewhere go on agreeing.
"""
