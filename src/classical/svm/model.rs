//! The fitted support-vector machine: prediction, saving and loading.

use std::{path::Path, sync::Arc};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    calibration::Calibration,
    kernel::ImageSet,
    machine::{MOST_PAIRS, Machine, pairs},
};
use crate::{
    classical::{
        error::ClassicalError,
        files::{self, check_classes, check_numbers},
    },
    data::{CLASSES, Images, PIXELS, Probabilities, SIDE},
    storage::{Arrays, Notes},
};

/// Name of the model's files.
const NAME: &str = "svm";
/// Images that a thread predicts together.
const CHUNK: usize = 32;

/// Fitted support-vector machine. Plain data, so that threads share it freely; clones share all of it.
#[derive(Clone, Debug)]
pub struct TrainedSvm {
    machine: Arc<Machine>,
    calibration: Arc<Calibration>,
}

/// Contents of the JSON file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// Coefficient of the kernel, for pixels from 0 to 1.
    gamma: f64,
    classes: Vec<u8>,
    /// Number of support vectors of each class, in the order of the classes.
    support_vectors: Vec<usize>,
    /// Bias of each pair of classes: (0, 1), (0, 2), … (1, 2), …
    biases: Vec<f64>,
    calibration: Calibration,
}

impl TrainedSvm {
    pub(super) fn new(machine: Machine, calibration: Calibration) -> Self {
        Self { machine: machine.into(), calibration: calibration.into() }
    }

    /// Class probabilities, `[n, 10]`, on the caller's rayon pool. Each row is that of [`TrainedSvm::predict_one`],
    /// whatever the number of threads.
    pub fn predict_proba(&self, images: &Images) -> Probabilities {
        let mut rows = vec![[0.0; CLASSES]; images.len()];
        images.as_slice().par_chunks(CHUNK).zip(rows.par_chunks_mut(CHUNK)).for_each(|(images, rows)| {
            let mut decisions = [[0.0; MOST_PAIRS]; CHUNK];
            self.machine.decide(images, &mut decisions[..images.len()]);
            for (row, decisions) in rows.iter_mut().zip(&decisions) {
                *row = self.calibration.probabilities(&self.machine.classes, decisions);
            }
        });
        rows
    }

    /// Class probabilities of one image, on the calling thread; allocates nothing.
    pub fn predict_one(&self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        let mut decisions = [[0.0; MOST_PAIRS]];
        self.machine.decide(std::slice::from_ref(image), &mut decisions);
        self.calibration.probabilities(&self.machine.classes, &decisions[0])
    }

    /// Values of the decision functions for each image, `[n, pairs]`: (0, 1), (0, 2), … (1, 2), … among the classes of
    /// the training images; positive for the first class of the pair.
    pub fn decisions(&self, images: &Images) -> Vec<Vec<f64>> {
        let of = |image: &[u8; PIXELS]| {
            let mut decisions = [[0.0; MOST_PAIRS]];
            self.machine.decide(std::slice::from_ref(image), &mut decisions);
            decisions[0][..self.machine.pairs()].to_vec()
        };
        images.as_slice().par_iter().map(of).collect()
    }

    /// Number of support vectors.
    pub fn support_vectors(&self) -> usize {
        self.machine.vectors.len()
    }

    /// Number of fitted values: coefficients, biases and the calibration.
    pub fn parameters(&self) -> u64 {
        let classes = self.machine.classes.len();
        (self.machine.coefficients.len() + self.machine.pairs() + classes * (self.machine.pairs() + 1)) as u64
    }

    /// Coefficient γ of the kernel, for pixels from 0 to 1.
    pub fn gamma(&self) -> f64 {
        self.machine.gamma
    }

    /// Writes `svm.safetensors` (the support vectors, `[n, 28, 28]` bytes, and their coefficients, `[n, classes − 1]`)
    /// and `svm.json` into an existing folder, each under a temporary name first.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), ClassicalError> {
        let (arrays, description) = self.contents();
        files::save(folder, NAME, &arrays, description)
    }

    /// The model as the bytes of one safetensors file, `svm.json` in its metadata.
    ///
    /// # Errors
    /// If the model cannot be serialised.
    pub fn to_safetensors(&self, notes: &Notes) -> Result<Vec<u8>, ClassicalError> {
        let (arrays, description) = self.contents();
        files::to_safetensors(NAME, &arrays, description, notes)
    }

    /// The model as JSON.
    ///
    /// # Errors
    /// If the model cannot be serialised.
    pub fn to_json(&self, notes: &Notes) -> Result<Vec<u8>, ClassicalError> {
        let (arrays, description) = self.contents();
        files::to_json(NAME, &arrays, description, notes)
    }

    fn contents(&self) -> (Arrays, Description) {
        let machine = &*self.machine;
        let mut arrays = Arrays::default();
        arrays.insert("vectors", &[machine.vectors.len(), SIDE, SIDE], machine.vectors.images().as_flattened());
        arrays.insert("coefficients", &[machine.vectors.len(), machine.classes.len() - 1], &machine.coefficients);
        let description = Description {
            gamma: machine.gamma,
            classes: machine.classes.clone(),
            support_vectors: machine.counts.clone(),
            biases: machine.biases.clone(),
            calibration: (*self.calibration).clone(),
        };
        (arrays, description)
    }

    /// Reads the files that [`TrainedSvm::save`] wrote.
    ///
    /// # Errors
    /// If a file cannot be read, is damaged, does not belong to the other, or holds values that no fit gives. An
    /// accepted model is safe to use.
    pub fn load(folder: &Path) -> Result<Self, ClassicalError> {
        files::load(folder, NAME, |description: Description, arrays| {
            let Description { gamma, classes, support_vectors: counts, biases, calibration } = description;
            check_classes(&classes)?;
            if !(1e-9..=1e9).contains(&gamma) {
                return Err(format!("is described with a gamma of {gamma}, expected 1e-9 to 1e9"));
            }
            let (width, pairs) = (classes.len() - 1, pairs(classes.len()).count());
            let total = counts.iter().try_fold(0_usize, |sum, &count| sum.checked_add(count));
            let Some(total) = total.filter(|_| counts.len() == classes.len() && biases.len() == pairs) else {
                return Err(format!(
                    "is described with {} counts and {} biases for {} classes",
                    counts.len(),
                    biases.len(),
                    classes.len()
                ));
            };
            calibration.check(classes.len(), pairs)?;
            check_numbers("biases", biases.iter().copied())?;
            let vectors: Vec<u8> = arrays.take_shaped("vectors", &[total, SIDE, SIDE])?;
            let coefficients: Vec<f32> = arrays.take_shaped("coefficients", &[total, width])?;
            check_numbers("coefficients", coefficients.iter().copied().map(f64::from))?;
            let vectors = ImageSet::new(vectors.as_chunks::<PIXELS>().0.to_vec());
            Ok(Self::new(Machine { gamma, classes, counts, vectors, coefficients, biases }, calibration))
        })
    }
}
