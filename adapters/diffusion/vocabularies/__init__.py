"""The vocabularies of text encoders whose licences let them lie in the project."""
