"""Starter texts: for each document the standard asks for, one to begin from (7.5).

They are ours, in English, one Markdown file each. The head names the kinds of documented
information a text is for, and for each obligation the heading that answers it. What stands in
[brackets] is for the organization to choose.
"""
