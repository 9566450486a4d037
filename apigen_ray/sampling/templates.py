"""The template sampler: prompt templates of each mode and style, kept as text files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apigen_ray.errors import RecordError
from apigen_ray.records import Mode, Style, content_hash

OUR_TEMPLATES = Path(__file__).parents[1] / "asks" / "templates"
"""The folder of our own templates."""


@dataclass(frozen=True)
class Template:
    """A prompt template.

    Attributes:
        name: its file's name without ``.md``; unique within its mode and style.
        text: what the asks fill in.
    """

    name: str
    text: str


Templates = Mapping[tuple[Mode, Style], tuple[Template, ...]]


def load_templates(folders: Sequence[Path]) -> dict[tuple[Mode, Style], tuple[Template, ...]]:
    """The templates under ``<folder>/<mode>/<style>/<name>.md``, ordered by name.

    Args:
        folders: ours first, then the user's; a file of a later folder replaces one of the same mode, style and name.

    Raises:
        RecordError: a folder is missing, is not named after a mode or style, or a file is empty or not UTF-8.
    """
    found: dict[tuple[Mode, Style], dict[str, Template]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise RecordError(f"templates: {folder} is not a folder", "name a folder with <mode>/<style>/<name>.md")
        for mode_folder in _folders(folder):
            if mode_folder.name not in set(Mode):
                raise RecordError(
                    f"templates: {mode_folder} is not named after a mode", f"use one of {', '.join(Mode)}"
                )
            for style_folder in _folders(mode_folder):
                if style_folder.name not in set(Style):
                    raise RecordError(
                        f"templates: {style_folder} is not named after a style", f"use one of {', '.join(Style)}"
                    )
                key = (Mode(mode_folder.name), Style(style_folder.name))
                for path in sorted(style_folder.glob("*.md")):
                    found.setdefault(key, {})[path.stem] = Template(path.stem, _text(path))
    return {key: tuple(by_name[name] for name in sorted(by_name)) for key, by_name in sorted(found.items())}


def templates_digest(templates: Templates) -> str:
    """Content hash of all the templates, for the run's fingerprint."""
    keyed = ((key, template) for key in sorted(templates) for template in templates[key])
    parts = (part for (mode, style), template in keyed for part in (mode, style, template.name, template.text))
    return content_hash("templates", *parts)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: cannot be read: {error}", "give a text file in UTF-8") from error
    if not text:
        raise RecordError(f"{path}: is empty", "write the template or delete the file")
    return text
