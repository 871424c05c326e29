"""The forms of a request outside of Python.

`plain` has values for JSON, `stored` reads those of other releases, and `flat` has those that
answers repeat. `part_fields` is the table of the fields that APIs have for the parts of a request.
"""
