"""Records what Pillow and SciPy make of a few synthetic images: the vectors of tests/library/imaging_reference.rs.

    python tests/reference/imaging_vectors.py > tests/data/imaging/vectors.json

Images are hexadecimal, row-major. NumPy, SciPy and Pillow are needed; their versions are written into the file.
"""

import json

import numpy as np
import PIL
import scipy
from PIL import Image, ImageDraw
from scipy import ndimage

SIDE = 28
rng = np.random.default_rng(7)


def scribble(width, height, pen, points):
    """A stroke through random points, drawn eight times too large and reduced."""
    big = Image.new("L", (width * 8, height * 8))
    low, span = 0.2, 0.6
    path = [(width * 8 * (low + span * x), height * 8 * (low + span * y)) for x, y in rng.random((points, 2))]
    ImageDraw.Draw(big).line(path, fill=int(rng.integers(180, 256)), width=pen * 8, joint="curve")
    return np.array(big.resize((width, height), Image.Resampling.BOX))


def hexed(image):
    return np.ascontiguousarray(image, np.uint8).tobytes().hex()


def levels(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def box(image):
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1] + 1), int(rows[-1] + 1)


FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def resizes():
    shapes = [(28, 28, 20, 20), (9, 23, 8, 20), (61, 45, 20, 15), (7, 5, 20, 14), (200, 3, 20, 1), (1, 40, 1, 20), (90, 121, 15, 20)]
    for width, height, new_width, new_height in shapes:
        image = scribble(width, height, max(1, min(width, height) // 8), 5)
        image = np.maximum(image, rng.integers(0, 60, image.shape)).astype(np.uint8)
        for name, kind in FILTERS.items():
            out = Image.fromarray(image).resize((new_width, new_height), kind)
            yield dict(width=width, height=height, new_width=new_width, new_height=new_height, filter=name, image=hexed(image), out=hexed(out))


def turning(degrees, scale, shear, about, to):
    """The inverse of rotation . shear . scale about `about`, which comes to lie at `to`; rows first, as SciPy wants it."""
    turn, lean = np.deg2rad(degrees), np.tan(np.deg2rad(shear))
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])  # (x, y), y down, counter-clockwise
    inverse = np.linalg.inv(rotation @ np.array([[1, -lean], [0, 1]]) * scale)
    offset = np.array(about) - inverse @ np.array(to)
    return inverse[::-1, ::-1], offset[::-1]


def affines():
    cases = [(24, 1, 0, (13.5, 13.5), (13.5, 13.5)), (-24, 1, 0, (12, 14.5), (13.5, 13.5)), (7.3, 1.13, -8, (13.5, 13.5), (15.1, 12.2)),
             (0, 0.8, 15, (13.5, 13.5), (13.5, 13.5)), (170, 0.6, 30, (3, 20), (13.5, 9))]
    for degrees, scale, shear, about, to in cases:
        image = scribble(SIDE, SIDE, 3, 5)
        matrix, offset = turning(degrees, scale, shear, about, to)
        out = ndimage.affine_transform(image.astype(float), matrix, offset, order=1, mode="grid-constant")
        yield dict(degrees=degrees, scale=scale, shear=shear, about=about, to=to, image=hexed(image), out=hexed(levels(out)))


def rotations():
    """scipy.ndimage.rotate about the middle of the frame."""
    for degrees in (24, -24, 90, 13.7):
        image = scribble(SIDE, SIDE, 3, 5)
        out = ndimage.rotate(image.astype(float), degrees, reshape=False, order=1, mode="grid-constant")
        yield dict(degrees=degrees, image=hexed(image), out=hexed(levels(out)))


def elastics():
    """The raw fields are a formula, so that they need not be stored: see `raw_field` in tests/library/imaging_reference.rs."""
    index = np.arange(SIDE * SIDE)
    raw = [((index * step + 77) % 1000 / 499.5 - 1).reshape(SIDE, SIDE) for step in (7919, 6133)]
    for alpha, sigma in ((34, 4), (8, 1.5), (300, 9)):
        image = scribble(SIDE, SIDE, 3, 5)
        dx, dy = (alpha * ndimage.gaussian_filter(field, sigma, mode="reflect", truncate=4) for field in raw)
        y, x = np.mgrid[:SIDE, :SIDE]
        out = ndimage.map_coordinates(image.astype(float), [y + dy, x + dx], order=1, mode="grid-constant")
        yield dict(alpha=alpha, sigma=sigma, image=hexed(image), dx=np.round(dx, 4).ravel().tolist(), dy=np.round(dy, 4).ravel().tolist(),
                   out=hexed(levels(out)))


def deskewed(image):
    """The usual recipe: moments, shear by the covariance ratio about the centre of mass, recentre, rescale."""
    image = image.astype(float)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    total = image.sum()
    row, column = (rows * image).sum() / total, (columns * image).sum() / total
    variance = ((rows - row) ** 2 * image).sum() / total
    covariance = ((rows - row) * (columns - column) * image).sum() / total
    matrix = np.array([[1, 0], [covariance / variance, 1]])
    offset = np.array([row, column]) - matrix @ (np.array(image.shape) / 2)
    out = ndimage.affine_transform(image, matrix, offset, order=1)
    return (out - out.min()) / (out.max() - out.min()) * 255


def deskews():
    for _ in range(5):
        image = scribble(SIDE, SIDE, 3, 4)
        yield dict(image=hexed(image), out=hexed(levels(deskewed(image))))


def reference(image, degrees):
    """The stacked-ensemble reference: box, rotate, subtract 32, box, longer side 20, stretch, middle."""
    left, top, right, bottom = box(image)
    if degrees:
        # About the middle of the box, which comes to lie in the middle of the frame.
        matrix, offset = turning(degrees, 1, 0, ((left + right - 1) / 2, (top + bottom - 1) / 2), (13.5, 13.5))
        image = levels(ndimage.affine_transform(image.astype(float), matrix, offset, order=1, mode="grid-constant"))
    image = np.maximum(image.astype(int) - 32, 0).astype(np.uint8)
    left, top, right, bottom = box(image)
    cropped = Image.fromarray(image[top:bottom, left:right])
    longer = max(cropped.size)
    size = tuple(max(1, (2 * side * 20 + longer) // (2 * longer)) for side in cropped.size)
    small = np.array(cropped.resize(size, Image.Resampling.BICUBIC)).astype(float)
    out = np.zeros((SIDE, SIDE))
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    out[top:top + size[1], left:left + size[0]] = small * (255 / small.max())
    return levels(out)


def references():
    for degrees in (0, 24, -24):
        for pen in (2, 3):
            image = scribble(SIDE, SIDE, pen, 6)
            yield dict(degrees=degrees, image=hexed(image), out=hexed(reference(image, degrees)))


print(json.dumps(dict(
    made_with=f"numpy {np.__version__}, scipy {scipy.__version__}, Pillow {PIL.__version__}",
    resize=list(resizes()), affine=list(affines()), rotate=list(rotations()), elastic=list(elastics()), deskew=list(deskews()),
    reference=list(references()))))
