"""GGUF, the files of ggml (llama.cpp, stable-diffusion.cpp): their header, types and names."""

from domain.checkpoints.quantised.gguf.cursor import CutOff
from domain.checkpoints.quantised.gguf.plain import GgufFile, GgufTensor, read_gguf

__all__ = ["CutOff", "GgufFile", "GgufTensor", "read_gguf"]
