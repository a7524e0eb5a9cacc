"""Writes the seeds of the fuzz targets: small valid files of every format. Needs Pillow and NumPy.

    python3 crates/fuzz/seeds.py crates/fuzz/seeds
"""

import base64
import gzip
import io
import json
import struct
import sys
import zlib
from pathlib import Path

import numpy
from PIL import Image

out = Path(sys.argv[1])


def write(target, name, data):
    (out / target).mkdir(parents=True, exist_ok=True)
    (out / target / name).write_bytes(data)


def digit(side):
    """A ring, dark on light."""
    y, x = numpy.mgrid[:side, :side]
    distance = numpy.hypot(x - side / 2, y - side / 2)
    return numpy.where(abs(distance - side / 4) < side / 12, 20, 250).astype(numpy.uint8)


def encoded(image, format, **options):
    data = io.BytesIO()
    image.save(data, format, **options)
    return data.getvalue()


grey = Image.fromarray(digit(24))
colour = grey.convert("RGB")
opaque = grey.convert("LA")
opaque.putalpha(Image.fromarray(255 - digit(24)))
deep = Image.fromarray(digit(12).astype(numpy.uint16) * 4)
turned = Image.Exif()
turned[0x0112] = 6
pictures = {
    "grey.png": encoded(grey, "PNG"),
    "alpha.png": encoded(opaque, "PNG"),
    "palette.png": encoded(colour.convert("P"), "PNG"),
    "bit.png": encoded(grey.convert("1"), "PNG"),
    "deep.png": encoded(deep, "PNG"),
    "grey.jpg": encoded(grey, "JPEG"),
    "colour.jpg": encoded(colour, "JPEG", exif=turned, subsampling=2),
    "progressive.jpg": encoded(colour, "JPEG", progressive=True, subsampling=1),
    "restarts.jpg": encoded(grey, "JPEG", restart_marker_blocks=2),
    "cmyk.jpg": encoded(colour.convert("CMYK"), "JPEG"),
    "grey.gif": encoded(grey, "GIF"),
    "grey.bmp": encoded(grey, "BMP"),
    "colour.bmp": encoded(colour, "BMP"),
    "lossy.webp": encoded(colour, "WEBP"),
    "lossless.webp": encoded(colour, "WEBP", lossless=True),
    "plain.tif": encoded(grey, "TIFF"),
    "packed.tif": encoded(colour, "TIFF", compression="tiff_lzw"),
    "deflated.tif": encoded(deep, "TIFF", compression="tiff_adobe_deflate"),
    "grey.pgm": encoded(grey, "PPM"),
    "colour.ppm": encoded(colour, "PPM"),
}
for name, data in pictures.items():
    write("picture", name, data)

pixels = digit(28).ravel()
row = ",".join(str(255 - level) for level in pixels)
header = "label," + ",".join(f"pixel{index}" for index in range(784))
write("csv", "labelled.csv", f"{header}\n3,{row}\n4,{row}\n".encode())
write("csv", "plain.csv", f"{row}\n{row}\n".encode())
write("csv", "semicolons.csv", f"7,{row}\n".replace(",", ";").encode())
write("csv", "quoted.csv", ('"3",' + ",".join(f'"{level}"' for level in pixels) + "\r\n").encode())

images = struct.pack(">IIII", 2051, 2, 28, 28) + pixels.tobytes() * 2
write("idx", "images", images)
write("idx", "labels", struct.pack(">II", 2049, 3) + bytes([1, 2, 3]))
write("idx", "qmnist", struct.pack(">III", 3074, 1, 8) + struct.pack(">8I", *range(8)))
write("folder", "classes", "\n".join(f"{digit}/" for digit in range(10)).encode())
write("folder", "parts", b"train/\ntest/\nThumbs.db\ndesktop.ini\n@eaDir/")
write("folder", "files", b"train-images-idx3-ubyte.gz\ntrain-labels-idx1-ubyte\nemnist-digits-train-images-idx3-ubyte")

tensor = {"name": "images", "shape": [1, 28, 28], "datatype": "FP32"}
as_numbers = {"id": "a", "inputs": [{**tensor, "data": [round(float(level) / 255, 2) for level in pixels]}]}
write("request", "inference.json", b"j" + json.dumps(as_numbers).encode())
size = {"binary_data_size": 3136}
as_bytes = {
    "parameters": {"binary_data_output": True},
    "inputs": [{**tensor, "parameters": size}],
    "outputs": [{"name": "digit", "parameters": {"binary_data": False}}],
}
body = json.dumps(as_bytes).encode()
floats = (pixels / 255).astype("<f4").tobytes()
write("request", "inference-bytes", b"i" + struct.pack("<H", len(body)) + body + floats)
small = pictures["bit.png"]
form = b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + small + b"\r\n--b--\r\n"
url = b"data:image/png;base64," + base64.b64encode(small)
rows = {"pixels": digit(28).tolist()}
write("request", "form", b" " + form)
write("request", "url", b" " + url)
write("request", "image.json", b" " + json.dumps({"image": url.decode()}).encode())
write("request", "pixels.json", b" " + json.dumps(rows).encode())
write("request", "gzip", b"g" + gzip.compress(small, mtime=0))
write("request", "deflate", b"d" + zlib.compress(small))
