//! Images, labels, groups and origins in memory.

use super::Origins;

/// Height and width of every image, in pixels.
pub const SIDE: usize = 28;
/// Pixels in an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Number of classes: the digits 0 to 9.
pub const CLASSES: usize = 10;

/// Class probabilities, one row for each image: `[n, 10]`.
pub type Probabilities = Vec<[f32; CLASSES]>;

/// Images, `[n, 28, 28]`, row-major, 0 = background, 255 = ink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
}

impl Images {
    /// Wraps pixels `[n, 28, 28]`; `None` if their number is not a multiple of 784.
    pub fn new(pixels: Vec<u8>) -> Option<Self> {
        pixels.len().is_multiple_of(PIXELS).then_some(Self { pixels })
    }

    /// Collects single images.
    pub fn from_images(images: impl IntoIterator<Item = [u8; PIXELS]>) -> Self {
        Self { pixels: images.into_iter().flatten().collect() }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.pixels.len() / PIXELS
    }

    /// Tells whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// Image `index`, `[28, 28]`. Panics past the end.
    pub fn get(&self, index: usize) -> &[u8; PIXELS] {
        &self.pixels.as_chunks::<PIXELS>().0[index]
    }

    /// All images in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8; PIXELS]> {
        self.pixels.as_chunks::<PIXELS>().0.iter()
    }

    /// The images as a slice, for parallel work.
    pub fn as_slice(&self) -> &[[u8; PIXELS]] {
        self.pixels.as_chunks::<PIXELS>().0
    }

    /// All pixels, `[n, 28, 28]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Selects the images at these indices, in this order.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * PIXELS);
        for &index in indices {
            pixels.extend_from_slice(self.get(index));
        }
        Self { pixels }
    }
}

/// Labelled images with the group id and the origin of each.
///
/// Two sets are equal if their images, labels and groups are, wherever they come from.
#[derive(Clone, Debug, Default)]
pub struct Digits {
    /// `[n, 28, 28]`.
    pub images: Images,
    /// `[n]`, each 0 to 9.
    pub labels: Vec<u8>,
    /// `[n]`: images with the same number come from the same original.
    pub groups: Vec<u32>,
    /// `[n]`: the file, row or number that each image was read from.
    pub origins: Origins,
}

impl PartialEq for Digits {
    fn eq(&self, other: &Self) -> bool {
        (&self.images, &self.labels, &self.groups) == (&other.images, &other.labels, &other.groups)
    }
}

impl Eq for Digits {}

impl Digits {
    /// Joins images and labels; each image is its own group, and is called by its number.
    ///
    /// Panics if the counts differ or a label is above 9: every reader checks both first.
    pub fn new(images: Images, labels: Vec<u8>) -> Self {
        assert_eq!(images.len(), labels.len(), "one label for each image");
        assert!(labels.iter().all(|&label| usize::from(label) < CLASSES), "labels are 0 to 9");
        let groups = (0..labels.len() as u32).collect();
        let origins = Origins::counted("image", 0, labels.len());
        Self { images, labels, groups, origins }
    }

    /// Digits with these origins, `[n]`.
    pub(super) fn with_origins(self, origins: Origins) -> Self {
        Self { origins, ..self }
    }

    /// Name of digit `index`: its file, relative to the data folder, or its row or number; see [`Origins::name`].
    /// Panics past the end.
    pub fn name(&self, index: usize) -> String {
        self.origins.name(index)
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Tells whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Selects the digits at these indices, in this order, with their groups and origins.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            images: self.images.select(indices),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            groups: indices.iter().map(|&index| self.groups[index]).collect(),
            origins: self.origins.select(indices),
        }
    }

    /// Number of images of each class.
    pub fn class_counts(&self) -> [usize; CLASSES] {
        let mut counts = [0; CLASSES];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }
}
