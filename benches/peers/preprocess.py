"""How fast Python libraries do the reference's preprocessing: images/s, to be set beside `digitstack bench imaging`.

    python benches/peers/preprocess.py FOLDER [--images 20000] [--seconds 10] [--processes 2]

FOLDER holds MNIST as IDX files (.gz). For each image and each of the rotations 0, -24 and +24 degrees: rotate about the middle of the ink
box, subtract 32 and clip, crop to the ink box, longer side to 20, stretch to 0-255, paste into the middle of 28x28. What is counted is images
that come out. Each variant is timed in as many processes as asked for, each on its share of the images, after a warm-up; loading is not
counted. Prints one JSON object.
"""

import argparse
import gzip
import json
import multiprocessing
import os
import pathlib
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

SIDE = 28
ROTATIONS = (0, -24, 24)
NOISE = 32


def load(folder, count):
    with gzip.open(next(pathlib.Path(folder).glob("train-images*.gz"))) as file:
        return np.frombuffer(file.read(16 + count * SIDE * SIDE), np.uint8, offset=16).reshape(-1, SIDE, SIDE)


def box(image):
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def fitted(width, height):
    longer = max(width, height)
    return tuple(max(1, (2 * int(side) * 20 + int(longer)) // (2 * int(longer))) for side in (width, height))


def prepare(image, degrees, rotate, resize):
    left, top, right, bottom = box(image)
    if degrees:
        image = rotate(image, degrees, ((left + right - 1) / 2, (top + bottom - 1) / 2))
    image = np.where(image > NOISE, image - NOISE, 0).astype(np.uint8)
    left, top, right, bottom = box(image)
    small = resize(np.ascontiguousarray(image[top:bottom, left:right]), fitted(right - left, bottom - top))
    height, width = small.shape
    out = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    out[top:top + height, left:left + width] = np.rint(small * (255 / small.max()))
    return out


def turning(degrees, middle):
    """Matrix and offset for SciPy (rows first): `middle` (x, y) comes to lie in the middle of the frame."""
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return matrix, np.array(middle[::-1]) - matrix @ np.array([13.5, 13.5])


def with_scipy_and_pillow():
    from PIL import Image
    from scipy import ndimage

    def rotate(image, degrees, middle):
        matrix, offset = turning(degrees, middle)
        return ndimage.affine_transform(image, matrix, offset, order=1)

    def resize(image, size):
        return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))

    return lambda image, degrees: prepare(image, degrees, rotate, resize)


def with_opencv():
    import cv2

    cv2.setNumThreads(1)

    def rotate(image, degrees, middle):
        matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), degrees, 1)
        matrix[:, 2] += (13.5 - middle[0], 13.5 - middle[1])
        return cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)

    def resize(image, size):
        shrinks = size[0] < image.shape[1]
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)

    return lambda image, degrees: prepare(image, degrees, rotate, resize)


def with_opencv_written_for_speed():
    """OpenCV for every step, as few NumPy calls as possible."""
    import cv2

    cv2.setNumThreads(1)

    def run(image, degrees):
        x, y, width, height = cv2.boundingRect(image)
        if degrees:
            middle = (x + (width - 1) / 2, y + (height - 1) / 2)
            matrix = cv2.getRotationMatrix2D(middle, degrees, 1)
            matrix[0, 2] += 13.5 - middle[0]
            matrix[1, 2] += 13.5 - middle[1]
            image = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        image = cv2.subtract(image, NOISE)
        x, y, width, height = cv2.boundingRect(image)
        size = (20, max(1, (40 * height + width) // (2 * width))) if width >= height else (max(1, (40 * width + height) // (2 * height)), 20)
        small = cv2.resize(image[y:y + height, x:x + width], size, interpolation=cv2.INTER_LINEAR)
        small = cv2.convertScaleAbs(small, alpha=255 / small.max())
        out = np.zeros((SIDE, SIDE), np.uint8)
        top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
        out[top:top + size[1], left:left + size[0]] = small
        return out

    return run


def with_scikit_image():
    from skimage import transform

    def rotate(image, degrees, middle):
        turn = np.deg2rad(degrees)
        cos, sin = np.cos(turn), np.sin(turn)
        x, y = middle
        inverse = np.array([[cos, -sin, x - 13.5 * cos + 13.5 * sin], [sin, cos, y - 13.5 * sin - 13.5 * cos], [0, 0, 1]])
        return transform.warp(image, inverse, order=1, preserve_range=True)

    def resize(image, size):
        return transform.resize(image, size[::-1], order=1, preserve_range=True, anti_aliasing=True)

    return lambda image, degrees: prepare(image, degrees, rotate, resize)


VARIANTS = {
    "scikit-image": with_scikit_image,
    "scipy+pillow": with_scipy_and_pillow,
    "opencv": with_opencv,
    "opencv, written for speed": with_opencv_written_for_speed,
}


def work(name, images, seconds, barrier, results):
    """Preprocesses images until the time is over; sends how many came out and how long it took."""
    run = VARIANTS[name]()
    for image in images[:50]:
        for degrees in ROTATIONS:
            run(image, degrees)
    barrier.wait()
    start, made, place = time.perf_counter(), 0, 0
    while (elapsed := time.perf_counter() - start) < seconds:
        for image in images[place:place + 50]:
            for degrees in ROTATIONS:
                run(image, degrees)
                made += 1
        place = place + 50 if place + 50 < len(images) else 0
    results.put(made / elapsed)


def measure(name, images, seconds, processes):
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(processes), context.Queue()
    shares = np.array_split(images, processes)
    workers = [context.Process(target=work, args=(name, share, seconds, barrier, results)) for share in shares]
    for worker in workers:
        worker.start()
    rates = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return sum(rates)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    images = load(options.folder, options.images)
    rates = {name: round(measure(name, images, options.seconds, options.processes)) for name in VARIANTS}
    print(json.dumps(dict(task="reference preprocessing with 3 rotations", images=len(images), processes=options.processes,
                          images_per_second=rates)))
