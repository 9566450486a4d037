"""The Python API in one go: functions to a library, a run of them, its rows in three forms, and records judged again.

``python -m examples.python_api FOLDER``: with the engine ``scripted``, a FAKE that answers at once; name a model in its
place. Type checkers read this file too: what it says of types is what a program may rely on.
"""

import sys
from collections import Counter
from pathlib import Path

import apigen_ray as apigen
from apigen_ray.library.functions.maths import gcd_and_lcm, prime_factors


def main(folder: Path, size: int = 12) -> Counter[str]:
    """Does it all in a folder.

    Args:
        folder: where to.
        size: prompts.

    Returns:
        The verdicts of the run, counted.
    """
    config: apigen.RunConfig = apigen.load_config(
        {
            "name": "numbers",
            "size": size,
            "library": apigen.functions(gcd_and_lcm, prime_factors),
            "generators": [{"engine": "scripted"}],
            "judge": {"engine": "scripted"},
            "output": {"dir": folder},
        }
    )
    try:
        run: apigen.Run = apigen.run(config, clean=True)
    except apigen.ApigenError as error:  # names what is wrong, and the mend
        print(error.message, error.mend, file=sys.stderr)
        raise
    counted = Counter(row["verdict"] for row in run.samples(None, columns=["verdict"]))

    train = run.to_dataset(columns=["query", "tools", "answers"])
    print(train.num_rows, "rows for training;", run.to_ray().count(), "in Ray;", run.report()["pass_rate"], "passed")
    run.export("openai", folder / "openai", split={"train": 0.9, "test": 0.1}, clean=True)

    again = apigen.verify(run.samples(), folder / "again", stages=["format"], id_column="sample_id", clean=True)
    assert {row["verdict"] for row in again.samples(None)} == {"verified"}  # noqa: S101  what was verified is well formed
    return counted


if __name__ == "__main__":
    main(Path(sys.argv[1]))
