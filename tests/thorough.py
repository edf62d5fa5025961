"""Whether a run should look at everything: `VERNE_THOROUGH=1 ./verne test`, as .ci/run does."""

import os

THOROUGH = os.environ.get("VERNE_THOROUGH") == "1"
