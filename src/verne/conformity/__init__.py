"""The standard as data, and what the records say about it.

`standards/` holds the catalogue of obligations, the withdrawn edition and the crosswalk, word for
word as they were written. `catalogue` reads them, `schema` says what they must satisfy, `verdict`
turns the evidence of single checks into results, `statement` computes, keeps and shows them.
"""
