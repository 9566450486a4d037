"""The stages that judge a sample, in their order, and the schema that follows from them."""

from apigen_ray.verifiers.base import Setting, Verifier
from apigen_ray.verifiers.execution import ExecutionVerifier
from apigen_ray.verifiers.format import FormatVerifier
from apigen_ray.verifiers.grounding import GroundingVerifier
from apigen_ray.verifiers.semantic import SemanticVerifier

VERIFIERS: tuple[type[Verifier], ...] = (
    FormatVerifier,
    ExecutionVerifier,
    GroundingVerifier,
    SemanticVerifier,
)
"""Every stage, cheapest first; a new one is a file and a line here."""

__all__ = ["VERIFIERS", "Setting", "Verifier"]
