//! Binned images, on which trees are grown.
//!
//! Binning costs about as much as two or three rounds of trees, so a [`Dataset`] is made once and shared by any number
//! of fits, also at the same time: the trials of a search share its bins. The folds of a cross-validation do not: the
//! bins of each are independent of its validation images, for about one sixtieth of the time of 150 rounds.

use std::sync::Arc;

use super::{
    config::BoosterConfig,
    error::BoostingError,
    ffi::{DatasetHandle, SampledColumn, Threads},
};
use crate::data::{CLASSES, Images, PIXELS};

/// Size of the even sample of images from which the bins are found; 256 grey levels need no more.
const SAMPLE: usize = 60_000;
/// Images passed to the library at a time; it takes floats, four times the size.
const PUSH: usize = 1024;
/// Greatest number of images: the library counts the ten scores of each in 32 bits.
const MOST_ROWS: usize = i32::MAX as usize / CLASSES;

/// Identity of the bins that datasets share.
#[derive(Debug)]
struct Bins {
    max_bin: u32,
}

/// Binned images and their labels, for training or validation.
pub struct Dataset {
    handle: DatasetHandle,
    bins: Arc<Bins>,
    images: Arc<Images>,
    labels: Vec<u8>,
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Dataset").field("rows", &self.len()).field("bins", &self.bins).finish_non_exhaustive()
    }
}

impl Dataset {
    /// Bins images `[n, 28, 28]` with their labels, `[n]`, into `config.max_bin` bins per pixel, on so many threads.
    /// The images are kept, shared, for resuming a fit.
    ///
    /// # Errors
    /// If there is no image, a label is missing or above 9, or a setting is out of range.
    pub fn new(
        images: impl Into<Arc<Images>>,
        labels: &[u8],
        config: &BoosterConfig,
        threads: usize,
    ) -> Result<Self, BoostingError> {
        config.check()?;
        let images = images.into();
        let rows = check(&images, labels)?;
        let (mut columns, sampled) = sample(&images);
        let threads = Threads::enter(threads);
        let handle = DatasetHandle::from_sample(&threads, &mut columns, sampled, rows, &config.dataset_parameters())?;
        drop(columns);
        Self { handle, bins: Arc::new(Bins { max_bin: config.max_bin }), images, labels: labels.to_vec() }
            .filled(&threads)
    }

    /// Bins validation images by the bins of this dataset.
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn aligned(
        &self,
        images: impl Into<Arc<Images>>,
        labels: &[u8],
        threads: usize,
    ) -> Result<Self, BoostingError> {
        let images = images.into();
        let rows = check(&images, labels)?;
        let threads = Threads::enter(threads);
        let handle = DatasetHandle::by_reference(&threads, &self.handle, rows)?;
        Self { handle, bins: Arc::clone(&self.bins), images, labels: labels.to_vec() }.filled(&threads)
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Always false: a dataset has at least one image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Number of bins per pixel that it was made with.
    pub fn max_bin(&self) -> u32 {
        self.bins.max_bin
    }

    /// Writes all rows and labels into the empty handle.
    fn filled(mut self, threads: &Threads) -> Result<Self, BoostingError> {
        let columns = self.handle.columns()?;
        if columns != PIXELS {
            let message = format!("the dataset has {columns} columns; {PIXELS} were given");
            return Err(BoostingError::Library { call: "LGBM_DatasetGetNumFeature", message });
        }
        let labels: Vec<f32> = self.labels.iter().map(|&label| f32::from(label)).collect();
        self.handle.set_labels(threads, &labels)?;
        let mut values = Vec::with_capacity(PUSH * PIXELS);
        for (chunk, images) in self.images.as_slice().chunks(PUSH).enumerate() {
            values.clear();
            values.extend(images.iter().flatten().map(|&pixel| f32::from(pixel)));
            self.handle.push(threads, &values, (chunk * PUSH) as i32, self.labels.len() as i32)?;
        }
        Ok(self)
    }

    pub(super) fn handle(&self) -> &DatasetHandle {
        &self.handle
    }

    pub(super) fn labels(&self) -> &[u8] {
        &self.labels
    }

    pub(super) fn shares_bins_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.bins, &other.bins)
    }

    /// The images before binning.
    pub(super) fn images(&self) -> impl ExactSizeIterator<Item = &[u8; PIXELS]> {
        self.images.iter()
    }

    /// Copies the binned rows, with these initial scores, `[n, 10]`.
    pub(super) fn starting_from(
        &self,
        scores: &[[f64; CLASSES]],
        threads: &Threads,
    ) -> Result<DatasetHandle, BoostingError> {
        let all: Vec<i32> = (0..self.len() as i32).collect();
        let mut handle = self.handle.subset(threads, &all)?;
        let by_class: Vec<f64> = (0..CLASSES).flat_map(|class| scores.iter().map(move |row| row[class])).collect();
        handle.set_init_scores(threads, &by_class)?;
        Ok(handle)
    }
}

/// Checks what the library does not; returns the number of rows as it counts.
fn check(images: &Images, labels: &[u8]) -> Result<i32, BoostingError> {
    if images.is_empty() {
        return Err(BoostingError::Empty);
    }
    if images.len() > MOST_ROWS {
        return Err(BoostingError::TooManyRows { found: images.len(), most: MOST_ROWS });
    }
    if images.len() != labels.len() {
        return Err(BoostingError::LabelCount { images: images.len(), labels: labels.len() });
    }
    if let Some((index, &label)) = labels.iter().enumerate().find(|&(_, &label)| usize::from(label) >= CLASSES) {
        return Err(BoostingError::Label { index, label });
    }
    Ok(images.len() as i32)
}

/// Nonzero values of every column in an even sample of the images, and the size of the sample.
fn sample(images: &Images) -> (Vec<SampledColumn>, i32) {
    let sampled = images.len().min(SAMPLE);
    let mut columns: Vec<SampledColumn> = Vec::new();
    columns.resize_with(PIXELS, SampledColumn::default);
    for row in 0..sampled {
        for (column, &pixel) in columns.iter_mut().zip(images.get(row * images.len() / sampled)) {
            if pixel > 0 {
                column.values.push(f64::from(pixel));
                column.rows.push(row as i32);
            }
        }
    }
    (columns, sampled as i32)
}
