"""Internal audit (9.2): a programme over years, audits, what they found, and what became of it.

The programme weighs each clause and says how often it is looked at. An audit is prepared when its
criteria, scope, team and plan stand and nobody judges their own work; its checklist comes from the
catalogue with what the records say already beside each question. Findings name what they are
measured against, and stay open until something was done about them.
"""
