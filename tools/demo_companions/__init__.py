"""How the companions of the demo checkpoint were made: a LoRA, an embedding and a ControlNet."""
