"""The route `txt2img`: its request, and its answer with pictures."""
