"""A recurring job that leaves a line each time it runs; declared only where it is imported."""

import os

from verne.engine.jobs import job


@job(schedule="0 0 1 1 *")
def tick() -> None:
    with open(os.environ["VERNE_TEST_TICKS"], "a") as ticks:
        ticks.write("tick\n")
