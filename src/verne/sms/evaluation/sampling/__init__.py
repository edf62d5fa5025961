"""Sampling (9.2): look at some records out of many, so that anybody can draw the same ones again.

A sample freezes its population at an instant: the references, a hash over them, and the address
of the list or check they come from. A method and a shown seed say which of them are drawn; every
item gets a verdict and a note.
"""
