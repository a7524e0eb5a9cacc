"""Writes small picture files in the forms that the tests' own encoders cannot write: tests/data/pictures/*.

Run from the root of the project: python tests/reference/pictures.py (Pillow, numpy). The files hold one drawing each, a slanted ring in
colour; the wide ones are large enough to be reduced to an eighth while they are decoded.
"""

import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

OUT = pathlib.Path("tests/data/pictures")
OUT.mkdir(parents=True, exist_ok=True)


def drawing(width, height):
    y, x = np.mgrid[:height, :width].astype(float)
    x, y = (x + 0.5) / width - 0.5 + 0.2 * ((y + 0.5) / height - 0.5), (y + 0.5) / height - 0.5
    ink = np.clip(0.5 - 12 * (abs(np.hypot(x * 1.4, y) - 0.3) - 0.07), 0, 1)[..., None]
    return Image.fromarray((np.array([235, 230, 210]) * (1 - ink) + np.array([20, 30, 90]) * ink).astype(np.uint8))


small, grey = drawing(45, 37), drawing(45, 37).convert("L")
alpha = small.copy()
alpha.putalpha(Image.eval(grey, lambda v: 255 - v))
turned = Image.Exif()
turned[0x0112] = 6

small.save(OUT / "sampled.jpg", quality=80, subsampling=2)
small.save(OUT / "progressive.jpg", quality=80, progressive=True, subsampling=2)
small.save(OUT / "restarts.jpg", quality=80, restart_marker_blocks=2, exif=turned)
grey.save(OUT / "grey-progressive.jpg", quality=80, progressive=True)
small.convert("CMYK").save(OUT / "cmyk.jpg", quality=80)
wide = drawing(3600, 40)
wide.save(OUT / "wide.jpg", quality=70, subsampling=2)
wide.save(OUT / "wide-progressive.jpg", quality=70, subsampling=1, progressive=True)
wide.convert("CMYK").save(OUT / "wide-cmyk.jpg", quality=70)
small.save(OUT / "lossy.webp", quality=80)
alpha.save(OUT / "lossy-alpha.webp", quality=80, exif=turned)
small.save(OUT / "animated.webp", save_all=True, append_images=[small.rotate(90)], lossless=True)
small.quantize(16).save(OUT / "animated.gif", save_all=True, append_images=[small.rotate(180).quantize(16)])
small.quantize(7).save(OUT / "interlaced.gif", interlace=True)
small.quantize(5).save(OUT / "palette.png", bits=4)
Image.fromarray(np.asarray(grey, np.uint16) * 16).save(OUT / "twelve-bits.png")
alpha.save(OUT / "alpha.png", exif=turned)
for name, compression in (("raw", None), ("lzw", "tiff_lzw"), ("deflate", "tiff_adobe_deflate"), ("packbits", "packbits")):
    small.save(OUT / f"{name}.tiff", compression=compression)
grey.save(OUT / "pages.tiff", save_all=True, append_images=[Image.new("L", (9, 9))], tiffinfo={274: 6})
grey.convert("1").save(OUT / "bits.pbm")
small.save(OUT / "colour.ppm")
levels = np.asarray(grey) // 17
(OUT / "words.pgm").write_text("P2\n# fifteen levels\n45 37\n15\n" + "\n".join(" ".join(map(str, row)) for row in levels) + "\n")
(OUT / "levels.pgm").write_bytes(b"P5 45 37 15\n" + levels.astype(np.uint8).tobytes())


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# Pillow writes no interlaced PNG.
pixels, raw = np.asarray(small), b""
for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
    raw += b"".join(b"\0" + row.tobytes() for row in pixels[y0::dy, x0::dx])
header = struct.pack(">IIBBBBB", 45, 37, 8, 2, 0, 0, 1)
(OUT / "interlaced.png").write_bytes(
    b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
)

# Nor run-length coded BMP.
rows = np.asarray(grey)[::-1]
coded = b""
for row in rows:
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    coded += b"".join(bytes([n, row[s]]) for s, n in zip(starts, np.diff(starts, append=len(row)))) + b"\0\0"
coded = coded[:-2] + b"\0\1"
palette = b"".join(bytes([v, v, v, 0]) for v in range(256))
offset = 14 + 40 + len(palette)
info = struct.pack("<IiiHHIIiiII", 40, 45, 37, 1, 8, 1, len(coded), 2835, 2835, 256, 0)
(OUT / "runs.bmp").write_bytes(b"BM" + struct.pack("<IHHI", offset + len(coded), 0, 0, offset) + info + palette + coded)
