"""What a prompt is made of: API, seed, style, template and value samplers, pure functions of (config, pool, index)."""

from apigen_ray.sampling.apis import load_categories, with_categories
from apigen_ray.sampling.lexicons import Lexicon, Lexicons, lexicon_files, lexicons_digest, load_lexicons
from apigen_ray.sampling.plan import Planner
from apigen_ray.sampling.seeds import OUR_SEEDS, PLAIN_SEEDS, load_seeds, seeds_digest
from apigen_ray.sampling.spec import FeedbackSpec, SamplingSpec
from apigen_ray.sampling.templates import OUR_TEMPLATES, Template, Templates, load_templates, templates_digest

__all__ = [
    "OUR_SEEDS",
    "OUR_TEMPLATES",
    "PLAIN_SEEDS",
    "FeedbackSpec",
    "Lexicon",
    "Lexicons",
    "Planner",
    "SamplingSpec",
    "Template",
    "Templates",
    "lexicon_files",
    "lexicons_digest",
    "load_categories",
    "load_lexicons",
    "load_seeds",
    "load_templates",
    "seeds_digest",
    "templates_digest",
    "with_categories",
]
