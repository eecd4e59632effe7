"""What the built-in kinds look like: every field of every type, as small tables of facts.

Owns: the tables, and what follows from them: schemas, and what strict decoding says about an object.
Must not know: storage, HTTP, who asks.

Nothing is read on import: a table is parsed when a kind of its group is first asked for.
"""

from canarium.kube.coretypes.schema import known_kinds, structural_schema
from canarium.kube.coretypes.strict import duplicate_fields, field_problems, type_problem

__all__ = ["duplicate_fields", "field_problems", "known_kinds", "structural_schema", "type_problem"]
