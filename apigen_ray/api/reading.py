"""A run that is there, as a program reads it: its rows, its counts, its exports."""

import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apigen_ray.config import SAMPLE, VERDICTS
from apigen_ray.export.samples import check_word, decoded, schema_of
from apigen_ray.export.samples import open_run as open_directory
from apigen_ray.records import Verdict
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, absolute, as_path
from apigen_ray.tables import conform

if TYPE_CHECKING:
    import datasets  # type: ignore[import-untyped]
    import ray.data

VERIFIED = str(Verdict.VERIFIED)

ROWS = 1_000
"""Rows that are dictionaries at a time."""


@dataclass(frozen=True)
class Run:
    """A run that is there: what `run`, `verify` and `open_run` give.

    Rows are read from its files each time; nothing is held. Only closed rounds are read, since duplicates are known
    in these: after a run that broke off there may be rows in others, and a warning says how many are left out.

    Attributes:
        path: its directory, a `pathlib.Path`, or a ``upath.UPath`` in an object store.

    Examples:
        >>> import apigen_ray as apigen
        >>> run = apigen.open_run("runs/quickstart")
        >>> run.outcome
        'done'
        >>> for row in run.samples():
        ...     print(row["query"], row["answers"])
        What is the prime factor of 84? [{'name': 'prime_factors', 'arguments': {'number': 84}}]
    """

    path: AnyPath

    @property
    def outcome(self) -> str | None:
        """How the last attempt ended: ``done``, ``failed``, ``stopped`` (a limit), ``interrupted``; None: it has not.

        It goes on, or was killed.
        """
        outcome: str | None = RunDir(self.path).result().get("outcome")
        return outcome

    def samples(
        self, verdict: str | Iterable[str] | None = VERIFIED, *, columns: Sequence[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows one after another; memory stays flat, however many there are.

        Args:
            verdict: only rows with this verdict, or one of these; None: all. Beside ``verified`` there are
                ``fail_<stage>``, ``duplicate`` and ``error``.
            columns: only these (docs/columns.md), which is quicker; None: all.

        Yields:
            A row by its columns. Those that hold JSON (``tools``, ``answers``, ``results`` ...) are values, and so is
            the ``value`` of each result.

        Raises:
            InputError: there is no such verdict or column: the nearest right one is named.
            EnvironmentFault: a file of the run is lost or cannot be read.

        Examples:
            >>> import apigen_ray as apigen
            >>> run = apigen.open_run("runs/quickstart")
            >>> for row in run.samples("fail_grounding"):
            ...     print(row["query"], "->", row["grounding_detail"])
            Can watch a movie with a film rating of PG? -> age=12
        """
        directory, verdicts, chosen = RunDir(self.path), _verdicts(verdict), _columns(columns)
        rounds = _closed(directory, verdicts)
        return _rows(directory, verdicts, chosen, rounds)

    def to_dataset(
        self, verdict: str | Iterable[str] | None = VERIFIED, *, columns: Sequence[str] | None = None
    ) -> "datasets.Dataset":
        """The rows as a ``datasets.Dataset``, memory-mapped: they go from file to file, a row group at a time.

        Its columns have the types of the run's files, as ``apigen export --to parquet`` writes them; JSON columns
        are texts, because calls differ in shape from row to row. It lies in the cache of ``datasets``, and is made
        once for the same files.

        Args:
            verdict: as in `samples`.
            columns: as in `samples`.

        Raises:
            InputError: there is no such verdict or column.
            EnvironmentFault: the package ``datasets`` is missing (``pip install 'apigen-ray[hub]'``), or a file of the
                run is lost.

        Examples:
            >>> import apigen_ray as apigen
            >>> run = apigen.open_run("runs/quickstart")
            >>> run.to_dataset(columns=["query", "answers"])[0]["answers"]
            '[{"name":"prime_factors","arguments":{"number":84}}]'
        """
        from apigen_ray.export.dataset import to_dataset

        directory, verdicts, chosen = RunDir(self.path), _verdicts(verdict), _columns(columns)
        return to_dataset(directory, verdicts, chosen, _closed(directory, verdicts))

    def to_ray(
        self, verdict: str | Iterable[str] | None = VERIFIED, *, columns: Sequence[str] | None = None
    ) -> "ray.data.Dataset":
        """The rows as a Ray Dataset over the run's live Parquet files; nothing is read before it is consumed.

        It is read in the Ray session that is there, by workers that can reach the files; where none is, Ray starts one
        as ``ray.init()`` does. JSON columns are texts. A run that is resumed or cleaned meanwhile moves its files.

        Args:
            verdict: as in `samples`.
            columns: as in `samples`.

        Raises:
            InputError: there is no such verdict or column.

        Examples:
            >>> import apigen_ray as apigen
            >>> run = apigen.open_run("runs/quickstart")
            >>> run.to_ray(columns=["query"]).count() == run.report()["verified"]
            True
        """
        from apigen_ray.graph.reading import read_samples

        directory, verdicts, chosen = RunDir(self.path), _verdicts(verdict), _columns(columns)
        rounds = _closed(directory, verdicts)
        files = [file for number in rounds for file in directory.sample_files(number)]
        wanted = {f"verdict={word}" for word in verdicts}
        return read_samples([file for file in files if file.parent.name in wanted], chosen)

    def report(self) -> dict[str, Any]:
        """The run counted from its files: what ``apigen report --json`` prints.

        Returns:
            ``samples``, ``verified``, ``pass_rate``, ``filter_table`` (generator by verdict), ``stages`` (status and
            code), ``styles``, ``tokens``, and what the manifest tells.

        Examples:
            >>> import apigen_ray as apigen
            >>> counted = apigen.open_run("runs/quickstart").report()
            >>> counted["samples"], counted["verified"], counted["pass_rate"]
            (2, 1, 0.5)
        """
        from apigen_ray.report.markdown import report_form

        return report_form(self.path)

    def export(
        self,
        to: str,
        out: str | os.PathLike[str],
        *,
        verdict: str | Iterable[str] | None = VERIFIED,
        split: Mapping[str, float] | None = None,
        results: bool = False,
        clean: bool = False,
    ) -> dict[str, Any]:
        """Writes rows in the format of a trainer or a leaderboard, as ``apigen export`` does.

        Args:
            to: ``xlam``, ``openai``, ``sharegpt``, ``bfcl``, ``parquet`` or ``jsonl``.
            out: the folder to make.
            verdict: as in `samples`.
            split: shares of the rows by name, together 1; None: all are ``train``.
            results: with what the calls gave back, where the format can show it.
            clean: replace an export that is there.

        Returns:
            What ``export.json`` in the folder holds: ``rows`` by split, ``left_out`` by reason, ``files``.

        Raises:
            InputError: no such format or verdict; a folder that is in the way; no row to write.
            EnvironmentFault: the files cannot be written.

        Examples:
            >>> import apigen_ray as apigen
            >>> run = apigen.open_run("runs/quickstart")
            >>> run.export("openai", "data/openai")["rows"]
            {'train': 1}
        """
        from apigen_ray.export.run import export_run
        from apigen_ray.export.splits import Splits

        splits = Splits.parse([f"{name}={share}" for name, share in (split or {}).items()])
        target = as_path(os.fspath(out))
        return export_run(
            self.path, to, target, verdicts=_verdicts(verdict), splits=splits, results=results, clean=clean
        )


def open_run(path: str | AnyPath) -> Run:
    """A run that is there, finished or not, made by whatever verb.

    Args:
        path: its directory, or its URL in an object store (``s3://``, ``gs://``).

    Raises:
        InputError: there is no run in it.
        EnvironmentFault: the package that speaks to the store is missing, or the store does not answer.

    Examples:
        >>> import apigen_ray as apigen
        >>> apigen.open_run("runs/quickstart").path.name
        'quickstart'
    """
    return Run(open_directory(absolute(as_path(path))).path)


def _verdicts(verdict: str | Iterable[str] | None) -> list[str]:
    words = list(VERDICTS) if verdict is None else [verdict] if isinstance(verdict, str) else list(verdict)
    for word in words:
        check_word("verdict", word, VERDICTS)
    return words


def _columns(columns: Sequence[str] | None) -> list[str] | None:
    for name in columns or ():
        check_word("columns", name, SAMPLE.names)
    return None if columns is None else list(columns)


def _closed(directory: RunDir, verdicts: Sequence[str]) -> list[int]:
    """The closed rounds; of rows in others that would have been meant, a warning."""
    closed = directory.closed_rounds()
    rounds = set(directory.rounds()) - set(closed)
    left = sum(table.num_rows for table in directory.read(["verdict"], rounds=rounds, verdicts=verdicts))
    if left:
        words = f"{directory.path}: {left:,} rows of a round that is not closed are left out; resume the run"
        warnings.warn(words, stacklevel=3)
    return closed


def _rows(
    directory: RunDir, verdicts: Sequence[str], columns: Sequence[str] | None, rounds: Sequence[int]
) -> Iterator[dict[str, Any]]:
    for table in directory.read(columns, rounds=rounds, verdicts=verdicts):
        table = conform(table, schema_of(columns))  # a file of an earlier version may lack a column
        for batch in table.to_batches(max_chunksize=ROWS):
            yield from (with_values(decoded(row)) for row in batch.to_pylist())


def with_values(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose results say what the calls gave back as values, in place of the JSON texts that are stored."""
    for name in {"results", "planned_results"} & row.keys():
        row[name] = row[name] and [_with_value(outcome) for outcome in row[name]]
    return row


def _with_value(outcome: dict[str, Any]) -> dict[str, Any]:
    text = outcome.get("value")
    return {**outcome, "value": json.loads(text)} if text else outcome
