"""The API's own description: OpenAPI 3.1, made from the routes and schemas themselves.

`DescribedBlueprint` collects what decorators declare about a route. `documented_api` holds the
document. `explorer_blueprint` serves the document and a page that sends requests.
"""
