"""Values as clients of AUTOMATIC1111's API send them: numbers, truth values and pictures."""
