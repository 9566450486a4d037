"""The rows of a run that people judge: drawn once, at random and by strata, and kept whole."""

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from apigen_ray.config import STAGES, VERDICTS
from apigen_ray.errors import InputError, RecordError
from apigen_ray.export.samples import open_run
from apigen_ray.records import Json, Status, Verdict, content_hash
from apigen_ray.review.allot import by_size, level
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, reading, write_once

ROWS = 600
"""Rows of a sample: as many as the paper's authors had judged."""

JUDGED = tuple(name for name in VERDICTS if name not in (Verdict.DUPLICATE, Verdict.ERROR))
"""Verdicts that a row may be drawn from. A duplicate was refused for another row's sake, an error is nobody's word."""

FILE = "sample.parquet"
"""Beside the run: the rows drawn, every column, in the order in which they are judged."""

_META = b"apigen.review"
_KEYS = ("verdict", "generator", "style")

Cell = tuple[str, str, str]
"""Verdict, generator and style; "" where a row has none, as records that were only verified."""


@dataclass(frozen=True)
class Drawn:
    """What a sample was drawn from, and how.

    Attributes:
        run: the name of the run's folder.
        fingerprint: of the run; "" where it has none, as one of `apigen verify`.
        seed: of the draw.
        asked: rows that were asked for.
        population: rows of each cell in the closed rounds, those that could be drawn.
        left_out: rows that could not be drawn, by reason.
    """

    run: str
    fingerprint: str
    seed: int
    asked: int
    population: Mapping[Cell, int]
    left_out: Mapping[str, int]

    @property
    def rows(self) -> int:
        """Rows that the run had."""
        return sum(self.population.values()) + sum(self.left_out.values())

    def dumps(self) -> bytes:
        """Its JSON text."""
        cells = [[*cell, rows] for cell, rows in sorted(self.population.items())]
        return json.dumps(asdict(self) | {"population": cells}).encode()

    @classmethod
    def loads(cls, text: bytes) -> "Drawn":
        """What `dumps` wrote.

        Raises:
            ValueError, TypeError: the text is of something else.
        """
        form = json.loads(text)
        return cls(**form | {"population": {tuple(cell): rows for *cell, rows in form["population"]}})


@dataclass(frozen=True)
class Sample:
    """The rows to be judged, in the order in which they are.

    The order is a random one over all strata, so whatever part of it has been judged is a random part of the sample.

    Attributes:
        folder: where it lies, with the judgements.
        drawn: what it was drawn from.
        table: the rows, with every column of `apigen_ray.config.SAMPLE`.
    """

    folder: Path
    drawn: Drawn
    table: pa.Table

    @cached_property
    def ids(self) -> list[str]:
        """The rows' ``sample_id``, in order."""
        return list(self.table["sample_id"].to_pylist())

    @cached_property
    def cells(self) -> dict[str, Cell]:
        """Verdict, generator and style of each row."""
        return dict(zip(self.ids, _cells(self.table), strict=True))

    @cached_property
    def codes(self) -> dict[str, str]:
        """The code that each rejected row was rejected with, as ``stage: code``."""
        out: dict[str, str] = {}
        for stage in STAGES:
            rows = self.table.filter(pc.equal(self.table["verdict"], f"fail_{stage}"))
            codes = zip(rows["sample_id"].to_pylist(), rows[f"{stage}_code"].to_pylist(), strict=True)
            out |= {name: f"{stage}: {code}" for name, code in codes}
        return out

    @cached_property
    def digest(self) -> str:
        """What names these rows in this order: judgements of other rows have another."""
        return content_hash("review", *self.ids)

    def row(self, place: int) -> Json:
        """One row, by its place in the order."""
        return dict(self.table.slice(place, 1).to_pylist()[0])


def open_sample(path: AnyPath, folder: Path, size: int | None = None, seed: int | None = None) -> Sample:
    """The sample of a run: the one that lies there, else one that is drawn now and stays.

    Args:
        path: the run directory, on a disk or in a store; only its closed rounds are drawn from.
        folder: where the sample lies or is to lie.
        size: rows wanted; None: `ROWS`, or whatever was drawn. A run with fewer gives all it has.
        seed: of the draw; None: 0, or whatever it was.

    Raises:
        InputError: no run; no row to judge; a sample of another size, seed or run lies there.
        RecordError: what lies there cannot be read.
        EnvironmentFault: the folder cannot be read or written.
    """
    run = open_run(path)
    if not (folder / FILE).exists():
        _draw(run, folder, ROWS if size is None else size, seed or 0)
    sample = _read(folder)
    drawn, fingerprint = sample.drawn, _fingerprint(run)
    if drawn.fingerprint != fingerprint or not (fingerprint or _holds(run, sample)):
        raise InputError(f"{folder}: the sample there is of another run ({drawn.run})", "give another --out")
    for option, wanted, there in (("--sample", size, drawn.asked), ("--seed", seed, drawn.seed)):
        if wanted is not None and wanted != there:
            raise InputError(
                f"{folder}: {option} {wanted}, but a sample was drawn there with {option} {there}, and stays",
                f"leave {option} out to go on with it, or give another folder with --out",
            )
    return sample


def _draw(run: RunDir, folder: Path, size: int, seed: int) -> None:
    """Two passes: keys of all rows, of which each cell keeps the lowest hashes, then the rows that were chosen."""
    population, left_out, lowest = Counter[Cell](), Counter[str](), dict[Cell, list[tuple[str, str]]]()
    closed = run.closed_rounds()
    for number in run.rounds():
        for table in run.read([*_KEYS, "sample_id", "format_status"], rounds=[number]):
            if number not in closed:  # which rows are duplicates is not known yet
                left_out["its round is not closed"] += table.num_rows
                continue
            found: dict[Cell, list[tuple[str, str]]] = {}
            columns = (table[name].to_pylist() for name in ("sample_id", "format_status"))
            for cell, name, status in zip(_cells(table), *columns, strict=True):
                if cell[0] not in JUDGED:
                    left_out[cell[0]] += 1
                elif status == Status.SKIPPED:  # a plan whose calls did not execute: no model was asked for words
                    left_out["nothing was written"] += 1
                else:
                    found.setdefault(cell, []).append((content_hash("review", seed, name), name))
            for cell, names in found.items():
                population[cell] += len(names)
                lowest[cell] = heapq.nsmallest(size, [*lowest.get(cell, ()), *names])
    if not population:
        reasons = "; ".join(f"{reason}: {rows:,}" for reason, rows in left_out.items()) or "it has no rows"
        raise InputError(f"{run.path}: no row to judge ({reasons})", "let the run come to its end: --resume")
    chosen = [name for cell, rows in _allot(population, size).items() for _, name in lowest[cell][:rows]]
    chosen.sort(key=lambda name: content_hash("order", seed, name))
    drawn = Drawn(run.root.name, _fingerprint(run), seed, size, dict(population), dict(left_out))
    table = _rows(run, chosen).replace_schema_metadata({_META: drawn.dumps()})
    write_once(table, folder, FILE.removesuffix(".parquet"))  # of two who draw at a time, the first one's stays


def _allot(population: Mapping[Cell, int], size: int) -> dict[Cell, int]:
    """Half verified, half rejected; of each rejecting stage as many; in a verdict by generator and style, by size."""
    rows = Counter[str]()
    for (verdict, _, _), number in population.items():
        rows[verdict] += number
    verified = str(Verdict.VERIFIED)
    halves = level({True: rows[verified], False: rows.total() - rows[verified]}, size)
    of = {verified: halves[True]} | level({name: rows[name] for name in JUDGED if name != verified}, halves[False])
    out: dict[Cell, int] = {}
    for verdict, number in of.items():
        out |= by_size({cell: each for cell, each in sorted(population.items()) if cell[0] == verdict}, number)
    return out


def _rows(run: RunDir, names: list[str]) -> pa.Table:
    table = pa.concat_tables(run.read(only=pa.array(names, pa.string())), promote_options="default")
    places = {name: place for place, name in enumerate(table["sample_id"].to_pylist())}
    if missing := [name for name in names if name not in places]:
        raise InputError(
            f"{run.path}: {len(missing):,} rows went while the sample was drawn ({missing[0]})",
            "let the run come to its end, and draw again",
        )
    return table.take([places[name] for name in names])


def _holds(run: RunDir, sample: Sample) -> bool:
    """Whether a run without a fingerprint, one that was only verified and so does not grow, is that of the sample.

    Its ids are places in the input, which any other input has as well: the rows are compared whole.
    """
    if sum(table.num_rows for table in run.read(["sample_id"])) != sample.drawn.rows:
        return False
    found = {row["sample_id"]: row for table in run.read(only=pa.array(sample.ids)) for row in table.to_pylist()}
    return all(repr(found.get(row["sample_id"])) == repr(row) for row in sample.table.to_pylist())  # a NaN is no NaN


def _read(folder: Path) -> Sample:
    file = folder / FILE
    try:
        with reading(file, _RESTORE), pq.ParquetFile(file) as parquet:
            table = parquet.read()
        return Sample(folder, Drawn.loads((table.schema.metadata or {})[_META]), table)
    except (pa.ArrowInvalid, KeyError, ValueError, TypeError) as error:
        raise RecordError(f"{file}: is no sample of ours ({error})", _RESTORE) from error


_RESTORE = "restore it, or give another --out: judgements are of the rows that it holds"


def _cells(table: pa.Table) -> Iterable[Cell]:
    columns: list[list[Any]] = [table[name].to_pylist() for name in _KEYS]
    return ((verdict, generator or "", style or "") for verdict, generator, style in zip(*columns, strict=True))


def _fingerprint(run: RunDir) -> str:
    return str(run.manifest().get("fingerprint") or "")
