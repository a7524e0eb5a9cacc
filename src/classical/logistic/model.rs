//! The fitted logistic regression: prediction, saving and loading.

use std::{path::Path, sync::Arc};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    classical::{
        error::ClassicalError,
        files::{self, check_classes, check_numbers},
    },
    data::{CLASSES, Images, PIXELS, Probabilities},
    optimize::softmax,
    storage::{Arrays, Notes},
};

/// Name of the model's files.
const NAME: &str = "logistic";

/// Fitted logistic regression. Plain data, so that threads share it freely; clones share all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedLogistic {
    parameters: Arc<Parameters>,
}

#[derive(Debug, PartialEq)]
struct Parameters {
    /// Classes among the training images, ascending.
    classes: Vec<u8>,
    /// Weights for pixels from 0 to 1, `[784, 10]`; 0 for classes without training images.
    weights: Vec<[f32; CLASSES]>,
    /// Intercepts; −∞ for classes without training images.
    intercepts: [f32; CLASSES],
}

/// Contents of the JSON file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    classes: Vec<u8>,
}

impl TrainedLogistic {
    /// `table`: weights for the grey level of each pixel, then the intercepts, `[785, 10]`.
    pub(super) fn new(classes: &[u8], table: &[[f64; CLASSES]]) -> Self {
        let weights = table[..PIXELS].iter().map(|row| row.map(|weight| (255.0 * weight) as f32)).collect();
        let mut intercepts = [f32::NEG_INFINITY; CLASSES];
        for class in classes.iter().map(|&class| usize::from(class)) {
            intercepts[class] = table[PIXELS][class] as f32;
        }
        Self { parameters: Parameters { classes: classes.to_vec(), weights, intercepts }.into() }
    }

    /// Class probabilities, `[n, 10]`, on the caller's rayon pool. Each row is that of
    /// [`TrainedLogistic::predict_one`], whatever the number of threads.
    pub fn predict_proba(&self, images: &Images) -> Probabilities {
        images.as_slice().par_iter().with_min_len(64).map(|image| self.predict_one(image)).collect()
    }

    /// Class probabilities of one image, on the calling thread; allocates nothing.
    pub fn predict_one(&self, image: &[u8; PIXELS]) -> [f32; CLASSES] {
        let Parameters { weights, intercepts, .. } = &*self.parameters;
        let mut logits = intercepts.map(f64::from);
        for (&level, weights) in image.iter().zip(weights).filter(|&(&level, _)| level > 0) {
            let pixel = f64::from(level) / 255.0;
            for (logit, &weight) in logits.iter_mut().zip(weights) {
                *logit += pixel * f64::from(weight);
            }
        }
        softmax(logits).map(|value| value as f32)
    }

    /// Weights of each class as an image, `[classes]` of `[784]`, for pixels from 0 to 1.
    pub fn templates(&self) -> Vec<Vec<f32>> {
        let Parameters { classes, weights, .. } = &*self.parameters;
        classes.iter().map(|&class| weights.iter().map(|row| row[usize::from(class)]).collect()).collect()
    }

    /// Writes `logistic.safetensors` (`weight`, `[classes, 784]`, and `bias`, `[classes]`, for pixels from 0 to 1) and
    /// `logistic.json` (the classes) into an existing folder, each under a temporary name first.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), ClassicalError> {
        let (arrays, description) = self.contents();
        files::save(folder, NAME, &arrays, description)
    }

    fn contents(&self) -> (Arrays, Description) {
        let Parameters { classes, intercepts, .. } = &*self.parameters;
        let intercepts: Vec<f32> = classes.iter().map(|&class| intercepts[usize::from(class)]).collect();
        let mut arrays = Arrays::default();
        arrays.insert("weight", &[classes.len(), PIXELS], &self.templates().concat());
        arrays.insert("bias", &[classes.len()], &intercepts);
        (arrays, Description { classes: classes.clone() })
    }

    /// The model as the bytes of one safetensors file, `logistic.json` in its metadata.
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

    /// Reads the files that [`TrainedLogistic::save`] wrote.
    ///
    /// # Errors
    /// If a file cannot be read, is damaged, does not belong to the other, or holds values that no fit gives. An
    /// accepted model is safe to use.
    pub fn load(folder: &Path) -> Result<Self, ClassicalError> {
        files::load(folder, NAME, |Description { classes }, arrays| {
            check_classes(&classes)?;
            let rows: Vec<f32> = arrays.take_shaped("weight", &[classes.len(), PIXELS])?;
            let biases: Vec<f32> = arrays.take_shaped("bias", &[classes.len()])?;
            check_numbers("weights and biases", rows.iter().chain(&biases).copied().map(f64::from))?;
            let mut weights = vec![[0.0; CLASSES]; PIXELS];
            let mut intercepts = [f32::NEG_INFINITY; CLASSES];
            for ((&class, row), &bias) in classes.iter().zip(rows.chunks_exact(PIXELS)).zip(&biases) {
                intercepts[usize::from(class)] = bias;
                for (weights, &weight) in weights.iter_mut().zip(row) {
                    weights[usize::from(class)] = weight;
                }
            }
            Ok(Self { parameters: Parameters { classes, weights, intercepts }.into() })
        })
    }
}
