"""Makes the list of models of what a scan found: sets, the operator's settings, default VAEs."""
