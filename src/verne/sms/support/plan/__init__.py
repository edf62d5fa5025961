"""The service management plan (6.3): a document whose sections rest on live registers.

The plan is a document like any other, so it is reviewed, signed and put in force like one; that is
why it lies in this chapter. What is particular to it: some of its sections are taken over from the
registers into the draft. What was taken over is kept with the revision, so that afterwards the
plan in force can be compared with the registers, section by section.
"""
