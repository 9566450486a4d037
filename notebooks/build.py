"""Executes the notebooks of this folder and keeps their outputs: ``python notebooks/build.py OUT [NAME ...]``.

They are kept as scripts, which differ line by line and can be linted. Each runs in a kernel of its own, in the order of
their names: later ones read the run that the first one makes. What they write goes to the current folder.
"""

import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def main(out: Path, names: list[str]) -> None:
    """Writes ``OUT/<name>.ipynb`` of each, or of those named; a cell that fails ends it, with its traceback."""
    out.mkdir(parents=True, exist_ok=True)
    for script in sorted(HERE.glob("[0-9]*.py")):
        if names and script.stem not in names:
            continue
        began = time.monotonic()
        notebook = jupytext.read(script)
        NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
        for cell in notebook.cells:  # what libraries say of themselves there, progress bars too, is not for readers
            if cell.cell_type == "code":
                cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        nbformat.write(notebook, out / f"{script.stem}.ipynb")
        print(f"{script.stem}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
