"""Picture files written by hand: valid ones and malicious ones."""

import struct
import zlib

__all__ = ["chunk", "exif", "jpeg", "packed", "png", "segment", "webp"]


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(*chunks: bytes, width: int = 8, height: int = 8) -> bytes:
    """Return a PNG with these chunks before its pixels, of which it has none."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT") + chunk(b"IEND")


def packed(kind: bytes, text: bytes) -> bytes:
    """Return a chunk of compressed text, zTXt or iTXt, with the name parameters."""
    head = b"parameters\0\0" if kind == b"zTXt" else b"parameters\0\1\0\0\0"
    return chunk(kind, head + zlib.compress(text, 9))


def segment(marker: int, content: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg(*segments: bytes, width: int = 8, height: int = 8) -> bytes:
    """Return a JPEG with these segments before its pixels, of which it has none."""
    frame = segment(0xC0, struct.pack(">BHHB", 8, height, width, 3))
    return b"\xff\xd8" + b"".join(segments) + frame + b"\xff\xda" + b"\xff\xd9"


def webp(*chunks: tuple[bytes, bytes], width: int = 8, height: int = 8) -> bytes:
    """Return a WebP with these chunks."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    parts = b"".join(
        kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
        for kind, content in ((b"VP8X", bytes(4) + sides), *chunks)
    )
    return b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WEBP" + parts


def exif(comment: bytes, order: str = ">") -> bytes:
    """Return Exif with only a UserComment, in the byte order of struct."""
    head = {">": b"MM\0*", "<": b"II*\0"}[order]
    return (
        head
        + struct.pack(
            f"{order}IHHHIIIHHHII",
            *(8, 1, 0x8769, 4, 1, 26, 0),
            *(1, 0x9286, 7, len(comment), 44),
        )
        + bytes(4)
        + comment
    )
