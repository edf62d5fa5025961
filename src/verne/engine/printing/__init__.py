"""Printing on paper: what a record, a report or a statement says, as a PDF somebody can file.

`paper` says what a printed page is made of, `blocks` and `markdown` what its body consists of,
`press` sets it in type, and `copies` keeps the numbered list of what was printed. User text never
becomes part of the program that sets the type: everything goes to it as JSON.
"""
