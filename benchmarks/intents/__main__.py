"""Train the intent weights and judge them beside the hand-written lexicon: `python -m benchmarks.intents`.

Writes the weights into the package and the figures into `results/intents.json`; the same seed gives the same weights.
A minute on one core. `GAUGER_DATA` names the folder of the public data sets.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Final

from benchmarks.intents.training import run
from gauger.sketches import intents as shipped

RESULTS: Final = Path(__file__).parents[1] / "results" / "intents.json"
WEIGHTS: Final = Path(shipped.__file__).with_name(shipped.WEIGHTS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if not (folder := os.environ.get("GAUGER_DATA")):
        parser.error("GAUGER_DATA names no folder of public data sets")
    text, report = run(Path(folder), options.seed)
    options.weights.write_text(text, encoding="utf-8")
    options.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\n{report['weights']}, calibration error {report['calibration_error']}")


if __name__ == "__main__":
    main()
