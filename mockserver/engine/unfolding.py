"""A schema in the form whose breaches are told best.

References are replaced by what they lead to, under its name as title, but for those within themselves; what is
forbidden by a plain ``false`` is written ``{not: {}}``.
"""

from typing import Final

from mockserver.engine.exchange import JSON


def unfolded(schema: JSON) -> JSON:
    """Return a schema in the form whose breaches are told best."""
    return _unfolded(schema, schema, ())


def _unfolded(node: JSON, root: JSON, inside: tuple[str, ...]) -> JSON:
    if isinstance(node, list):
        return [_unfolded(each, root, inside) for each in node]
    if not isinstance(node, dict):
        return node
    ref = node.get("$ref")
    if isinstance(ref, str) and ref not in inside and (found := followed(node, root)) is not None:
        others = {name: value for name, value in node.items() if name != "$ref"}
        title = {"title": ref.rpartition("/")[2]}
        return _unfolded({**title, **found, **others}, root, (*inside, ref))
    inner = {name: _unfolded(value, root, inside) for name, value in node.items() if name not in _NOT_RULES}
    for name in _SCHEMAS_BY_NAME & inner.keys():
        inner[name] = {member: _forbidding(each) for member, each in inner[name].items()}
    for name in _SCHEMAS_IN_A_LIST & inner.keys():
        inner[name] = [_forbidding(each) for each in inner[name]]
    return {**inner, **{name: node[name] for name in _NOT_RULES if name in node}}


def _forbidding(schema: JSON) -> JSON:
    return {"not": {}} if schema is False else schema


_SCHEMAS_BY_NAME: Final = {"properties", "patternProperties", "dependentSchemas"}
_SCHEMAS_IN_A_LIST: Final = {"allOf", "anyOf", "oneOf", "prefixItems"}
_MOST_HOPS: Final = 20  # references that lead to references; more of them lead in a circle
_NOT_RULES: Final = ("components", "const", "default", "enum", "examples", "x-mock")


def followed(node: JSON, root: JSON) -> JSON:
    """Follow the references of a schema object to ``#/components/schemas/…``."""
    for _ in range(_MOST_HOPS):
        if not isinstance(node, dict) or not str(node.get("$ref", "")).startswith("#/components/schemas/"):
            break
        node = root.get("components", {}).get("schemas", {}).get(node["$ref"].rpartition("/")[2])
    return node
