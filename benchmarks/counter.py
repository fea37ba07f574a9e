"""One region's counter, for the benchmarks: lodges applications, at once or at a steady rate.

    python -m benchmarks.counter CONFIG CASES FIRST COUNT [RATE]

CASES are the movers of the deployment; of those who come to this region, COUNT from the FIRST on are lodged, RATE a
second (0: as fast as they are taken).
"""

import sys
import time
from contextlib import closing
from pathlib import Path

from benchmarks.deployment import lodgings, movers
from jiexu.service.config import load_config
from jiexu.service.counter import lodge
from jiexu.service.wiring import open_agency

AT_ONCE = 512
TICK_SECONDS = 0.05


def main(config_file: str, cases: int, first: int, count: int, rate: float) -> None:
    """Lodge them."""
    config = load_config(Path(config_file))
    waiting = lodgings(movers(cases), config.region)[first : first + count]
    with closing(open_agency(config, f"{config.region}.counter")) as agency:
        started, done = time.monotonic(), 0
        while done < len(waiting):
            due = len(waiting) if not rate else min(len(waiting), int((time.monotonic() - started) * rate))
            part = waiting[done : min(due, done + AT_ONCE)]
            if part:
                answers = lodge(agency, part)
                assert all(answer.outcome == "lodged" for answer in answers), answers
                done += len(part)
            else:
                time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5]) if len(sys.argv) > 5 else 0.0)
