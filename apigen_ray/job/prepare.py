"""From a config to everything that a round needs; what can be refused is refused here, before anything is paid for."""

from dataclasses import dataclass, replace

from apigen_ray.asks.base import DraftAsk
from apigen_ray.asks.call_first import CallFirst
from apigen_ray.asks.query_first import QueryFirst
from apigen_ray.config import RunConfig
from apigen_ray.engines import build
from apigen_ray.graph.round import Drafting, Judging
from apigen_ray.job.feedback import check_feedback
from apigen_ray.library import BUILTIN, Library, load_library
from apigen_ray.records import Example, Mode
from apigen_ray.sampling import (
    OUR_SEEDS,
    OUR_TEMPLATES,
    PLAIN_SEEDS,
    Lexicons,
    Planner,
    Templates,
    lexicon_files,
    lexicons_digest,
    load_categories,
    load_lexicons,
    load_seeds,
    load_templates,
    seeds_digest,
    templates_digest,
    with_categories,
)
from apigen_ray.verifiers import Setting


@dataclass(frozen=True)
class Prepared:
    """A config with all that it names read and checked.

    Attributes:
        config: the run's config.
        library: the APIs, in their categories.
        seeds: ours and the user's.
        templates: ours and the user's, by mode and style.
        lexicons: ours and the user's.
        digests: content hashes of the four, as they enter the fingerprint.
        fingerprint: what can change results; equal fingerprints may share a run directory.
    """

    config: RunConfig
    library: Library
    seeds: tuple[Example, ...]
    templates: Templates
    lexicons: Lexicons
    digests: dict[str, str]
    fingerprint: str

    def planner(self, earlier: tuple[Example, ...] = ()) -> Planner:
        """The planner of a round.

        Args:
            earlier: verified samples of earlier rounds, as `apigen_ray.job.feedback.read_seeds` gives them.
        """
        return Planner(
            spec=self.config.sampling,
            apis=self.library.apis,
            seeds=self.seeds,
            templates=self.templates,
            lexicons=self.lexicons,
            run_fingerprint=self.fingerprint,
            seed=self.config.seed,
            earlier=earlier,
        )

    def drafting(self, planner: Planner) -> Drafting:
        """How the round of this planner drafts."""
        return Drafting(
            planner=planner,
            size=self.config.size,
            generators={generator.name: build(generator.spec) for generator in self.config.generators},
            asks=self.asks(),
        )

    def judging(self) -> Judging:
        """How every round verifies."""
        setting = Setting(
            apis={api.api_id: api for api in self.library.apis},
            execution=self.config.execution,
            semantic=self.config.semantic,
        )
        judge = build(self.config.judge.spec) if self.config.judge is not None else None
        return Judging(setting=setting, stages=self.config.stages, judge=judge)

    def asks(self) -> dict[str, DraftAsk]:
        """The generator's ask for each mode."""
        texts = {
            (str(mode), str(style), template.name): template.text
            for (mode, style), templates in self.templates.items()
            for template in templates
        }
        return {str(Mode.QUERY_FIRST): QueryFirst(texts), str(Mode.CALL_FIRST): CallFirst(texts)}


def prepare(config: RunConfig) -> Prepared:
    """Reads the library, seeds, templates and lexicons of a config.

    Raises:
        InputError: one of them cannot be used; names the file and the mend.
    """
    sampling = config.sampling
    library = load_library(config.library)
    if sampling.categories:
        library = replace(library, apis=with_categories(library.apis, load_categories(sampling.categories)))
    check_feedback(sampling.feedback, library.apis)
    seeds = [seed for path in sampling.seeds for seed in load_seeds(path, library.apis)]
    if sampling.builtin_seeds:  # they speak of our functions, which need not be in the library
        ours = PLAIN_SEEDS if sampling.builtin_seeds == "plain" else OUR_SEEDS
        seeds += load_seeds(ours, load_library([BUILTIN]).apis)
    templates = load_templates((OUR_TEMPLATES, *sampling.templates))
    lexicons = load_lexicons((*lexicon_files(), *sampling.lexicons))
    digests = {
        "library": library.digest,
        "seeds": seeds_digest(seeds),
        "templates": templates_digest(templates),
        "lexicons": lexicons_digest(lexicons),
    }
    prepared = Prepared(
        config=config,
        library=library,
        seeds=tuple(seeds),
        templates=templates,
        lexicons=lexicons,
        digests=digests,
        fingerprint=config.fingerprint(**digests),
    )
    prepared.planner()  # refuses a style that the library or the templates cannot serve
    return prepared
