"""The pages of documents: to read, to write, to compare, and to see who has read them."""
