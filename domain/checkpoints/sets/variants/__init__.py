"""How each model of a family is drawn: schedule, steps and guidance."""
