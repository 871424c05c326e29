"""LoRAs: changes to the weights of networks, for the time of one batch."""
