"""Documents that people or programs wrote, checked against a JSON schema."""

import jsonschema


def check(
    document: object,
    schema: dict,
    where: str,
    bad: type[Exception],
    whole: str = "the file",
) -> None:
    """Raises `bad`, which says where in the document something is wrong; `where` names the document, and
    `whole` is what it says where that is no part of it."""
    try:
        jsonschema.validate(document, schema)
    except jsonschema.ValidationError as error:
        place = ".".join(str(part) for part in error.absolute_path)
        raise bad(f"{where}: {place or whole}: {error.message}") from error
