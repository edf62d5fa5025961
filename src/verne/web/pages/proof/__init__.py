"""The pages of proof: the state of the seal, audit packs, checking a record, erasing a person."""
