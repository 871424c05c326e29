"""Files whose weights are codes: each weight is made when it is taken, one after another."""
