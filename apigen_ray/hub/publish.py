"""``apigen export RUN --to hub``: licences are looked at, the folder is made, and it is pushed, or only shown."""

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from apigen_ray.errors import InputError
from apigen_ray.export.run import write_export
from apigen_ray.export.samples import open_run
from apigen_ray.export.splits import Splits
from apigen_ray.hub.card import DatasetCard
from apigen_ray.hub.layout import HubExport
from apigen_ray.hub.licences import Licences
from apigen_ray.hub.origins import config_of, origins
from apigen_ray.hub.published import config_text, published
from apigen_ray.hub.push import Head, Hub, model_licence
from apigen_ray.records import Json
from apigen_ray.report.summary import summarise
from apigen_ray.storage import AnyPath

_FACTS = ("kind", "fingerprint", "versions", "seed", "stages", "digests", "library", "sandbox", "merged")


def publish(
    run: AnyPath,
    repo: str | None,
    *,
    licences: Iterable[str],
    verdicts: Sequence[str],
    splits: Splits,
    out: AnyPath | None = None,
    private: bool = False,
    dry_run: bool = False,
    clean: bool = False,
) -> Json:
    """Makes a data set of a run, and puts it on the Hub by one commit.

    Args:
        run: the run directory.
        repo: ``owner/name``; made where it is not there.
        licences: ``LICENCE`` of the data set, ``NAME=LICENCE`` of a model or source.
        verdicts: which rows.
        splits: shares of the rows.
        out: the folder to make in a dry run. What is sent is made in a folder of its own, which does not stay: so one
            that somebody has changed is neither sent nor lost unseen.
        private: make the repository a private one.
        dry_run: make the folder, and send nothing.
        clean: replace, in a dry run a folder that is there, else a state of the repository that others made.

    Returns:
        What ``export.json`` holds, with ``out``, ``repo``, ``url``, ``licence``, ``private`` and ``sent`` (None in a
        dry run, else as `apigen_ray.hub.push.Hub.push` gives it).

    Raises:
        InputError: what was given cannot be used: run, repository, token, licences that are not known.
        EnvironmentFault: a package is missing, the Hub cannot be reached.
        RunFailedError: the upload broke off.
    """
    if dry_run != (out is not None):
        mend = "say where: --out DIR" if dry_run else "leave --out out, or look at the folder first: --dry-run"
        raise InputError("--dry-run makes a folder to look at (--out); without it none stays", mend)
    hub, directory = Hub(repo or ""), open_run(run)
    config, said = config_of(directory), Licences.parse(licences)
    found = origins(directory, config, said.told, model_licence)
    licence = said.check(found)
    head = Head() if dry_run else hub.look(private=private, clean=clean)
    summary = summarise(directory)
    manifest = directory.manifest()
    facts = {**{key: manifest[key] for key in _FACTS if manifest.get(key) is not None}, **summary.form()}
    beside = {"config.yaml": config_text(config), "run.json": json.dumps(published(facts)[0], indent=2) + "\n"}
    export = HubExport(beside)
    card = DatasetCard(export, hub.repo, licence, found, config, manifest, summary)
    with tempfile.TemporaryDirectory(prefix="apigen-hub-") as spare:
        folder = out if out is not None else Path(spare) / "folder"
        form = write_export(directory, export, folder, verdicts=verdicts, splits=splits, clean=clean, card=card)
        form |= {"out": str(out) if out else None, "repo": hub.repo, "url": hub.url, "licence": licence}
        form |= {"private": private, "sent": None}
        if not dry_run:
            words = f"{form['run']}, {sum(form['rows'].values()):,} rows"
            form["sent"] = hub.push(Path(str(folder)), head, words, private=private)
    return form
