"""The API's own description: OpenAPI 3.1, made from the routes and schemas themselves.

`DescribedBlueprint` gathers what decorators say of a route, `documented_api` holds the document,
and `explorer_blueprint` serves it with a page to try it from.
"""
