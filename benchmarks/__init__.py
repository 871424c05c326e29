"""What is measured, side by side with what a user would run instead. The tests time nothing."""
