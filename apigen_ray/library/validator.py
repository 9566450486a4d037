"""The one way from a JSON Schema to what checks values by it: formats count, and nothing is ever fetched."""

import jsonschema_rs

from apigen_ray.records import Json

UNCOMPILABLE = (ValueError, jsonschema_rs.ReferencingError)
"""What `compiled` raises for a schema that is none; `jsonschema_rs.ValidationError` is a `ValueError`."""


def compiled(schema: Json) -> jsonschema_rs.Draft202012Validator:
    """A schema as the format stage sees it (JSON Schema 2020-12), so that what is drawn is what passes.

    A foreign schema must not make this process fetch what its ``$ref`` names, hence offline.

    Raises:
        ValueError: it is no schema, or refers to something outside itself.
        jsonschema_rs.ReferencingError: it refers to nothing.

    >>> compiled({"type": "string", "format": "date"}).is_valid("tomorrow")
    False
    """
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, offline=True)
