"""MkDocs hooks: pages of the site that lie outside ``docs/``, and links that hold on GitHub and in the site."""

import posixpath
import re
from pathlib import Path
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = {
    "README.md": "overview.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "apigen_ray/asks/templates/README.md": "templates.md",
}
"""Pages of the site that have their place elsewhere, by their path in the repository."""

TOKEN = re.compile(
    r"""^(?P<indent>\ *)(?P<fence>`{3,}).*?^(?P=indent)(?P=fence)$                               # code is left alone
    |(?P<before>!\[[^\]]*\]\(|<(?:img|source)\b[^>]*?\ src(?:set)?=")(?P<image>[^)\s"]+)
    |\[(?P<text>(?:`[^`]*`|[^\]`])*)\]\((?P<target>[^)\s]+)\)
    |(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of `OUTSIDE`, read where they lie."""
    for path, name in OUTSIDE.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text of a page with its links, which lead from file to file of the repository, leading through the site."""
    name = page.file.src_uri
    path = next((path for path, own in OUTSIDE.items() if own == name), f"docs/{name}")
    return links_of_site(markdown, path, str(config.extra["repository"]))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page, its docstrings without the second colon that Sphinx wants before an example."""
    return html.replace("::</p>", ":</p>")


def links_of_site(text: str, path: str, repository: str) -> str:
    """A page's text with links of the site in place of links of the repository.

    A link to a file that is no page leads into ``repository``; where none is known, its text and the path stay.

    Args:
        text: Markdown.
        path: the page's own path in the repository.
        repository: what a file's path is put behind to make its address; "" where it is not known.
    """
    folder = posixpath.dirname(OUTSIDE.get(path, path.removeprefix("docs/"))) or "."

    def replaced(token: re.Match[str]) -> str:
        target = urlsplit(token["image"] or token["target"] or "")
        if target.scheme or target.netloc or not target.path:
            return token[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(path), target.path))
        page = OUTSIDE.get(file, file.removeprefix("docs/") if file.startswith("docs/") else "")
        address = posixpath.relpath(page, folder) if page else f"{repository}/{file}"
        address += f"#{target.fragment}" if target.fragment else ""
        if token["image"]:
            return token["before"] + address
        if page or repository:
            return f"[{token['text']}]({address})"
        return token["text"] if file in token["text"] else f"{token['text']} (`{file}`)"

    return TOKEN.sub(replaced, text)
