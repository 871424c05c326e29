"""What changes a pipeline for the time of one drawing, and undoes the change whatever happens."""
