//! k nearest neighbours: the probability of a class is its share of the k training images closest to an image.
//!
//! Everything of the model is in this file: settings, fit, prediction, files. A fit only stores the training images;
//! the work is in the prediction.
//!
//! Distances are Euclidean, on the pixels. `‖x − y‖² = x·x + y·y − 2 x·y`, and pixels are bytes: all three are whole
//! numbers below 2³¹, so distances are exact on every processor, and ties are real ties. Of training images at the same
//! distance, the one that comes first among the training images is the nearer one; so the result depends neither on the
//! number of threads nor on the other images of a batch.
//!
//! A prediction needs 784 products for each training image: 47 million for 60,000 of them, which 10,000 images need
//! 4.7·10¹¹ times in all. A batch therefore goes through the training images in blocks that stay in the cache, so that
//! the processor multiplies instead of waiting for memory; one image alone reads all 47 MB and takes as long as that.

use std::{path::Path, sync::Arc, time::Instant};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    classifier::{Classifier, Inspect, Predictor},
    error::LearnerError,
    format::{ModelFormat, ModelNotes},
    learner::{Description, Fitted, Learner, Length, NetCapabilities},
    settings::{parse_settings, settings_table},
};
use crate::{
    classical::{ClassicalError, files, score_one_step},
    data::{CLASSES, Digits, FieldError, Images, PIXELS, Probabilities, SIDE},
    device::ChosenDevice,
    fit::FitContext,
    imaging::Recipe,
    storage::Arrays,
};

/// Name of the kind and of the model's files.
const NAME: &str = "knn";
/// Greatest number of neighbours.
const MOST_NEIGHBOURS: usize = 1000;
/// Images that a thread predicts together: their pixels fit into the second-level cache.
const QUERIES: usize = 64;
/// Training images that are compared with all of those in turn: their pixels fit into the first-level cache.
const BLOCK: usize = 32;

type Image = [u8; PIXELS];

/// Settings of a nearest-neighbours classifier, by scikit-learn's names for `KNeighborsClassifier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct KnnConfig {
    /// Number of neighbours, 1 to 1,000. Default 3.
    k: usize,
    /// Weight of each neighbour's vote. Default uniform.
    weights: Weights,
}

/// Weight of a neighbour's vote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Weights {
    /// One vote for each neighbour.
    #[default]
    Uniform,
    /// The inverse of its distance. If there are neighbours at distance 0, these alone have a vote.
    Distance,
}

impl Default for KnnConfig {
    fn default() -> Self {
        Self { k: 3, weights: Weights::default() }
    }
}

impl KnnConfig {
    fn check(&self) -> Result<(), FieldError> {
        match self.k {
            1..=MOST_NEIGHBOURS => Ok(()),
            k => Err(FieldError::new("k", format!("found {k}, expected 1 to {MOST_NEIGHBOURS}"))),
        }
    }
}

/// Settings of a member.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// Number and votes of the neighbours.
    knn: KnnConfig,
}

/// Nearest-neighbours classifier before it has training images.
struct KnnLearner {
    description: Description,
    settings: Settings,
}

/// Builds the learner from `knn`.
pub(super) fn build(name: &str, settings: toml::Table) -> Result<Box<dyn Learner>, FieldError> {
    let settings: Settings = parse_settings(settings)?;
    settings.knn.check().map_err(|error| error.inside("knn"))?;
    let KnnConfig { k, weights } = settings.knn;
    let votes = match weights {
        Weights::Uniform => "one vote each",
        Weights::Distance => "votes by inverse distance",
    };
    let layers = [
        ("image".to_owned(), format!("{PIXELS} pixels")),
        ("distances to all training images".to_owned(), "one for each training image".to_owned()),
        (format!("nearest, {votes}"), k.to_string()),
        ("shares of the classes".to_owned(), CLASSES.to_string()),
    ];
    let description = Description {
        name: name.to_owned(),
        kind: NAME,
        summary: format!("{k} nearest neighbours by Euclidean distance, {votes}"),
        layers: layers.to_vec(),
        selects_by_validation: false,
        length: Length::one(NAME),
        preparation: Recipe::default(),
        shifts: 1,
    };
    Ok(Box::new(KnnLearner { description, settings }))
}

impl Learner for KnnLearner {
    fn description(&self) -> &Description {
        &self.description
    }

    fn settings(&self) -> Result<toml::Table, LearnerError> {
        settings_table(&self.description, &self.settings)
    }

    fn cost(&self, images: usize) -> f64 {
        // The fit itself is free; the prediction of a left-out fifth is not.
        let images = images as f64;
        2e-9 * PIXELS as f64 * images * images / 5.0
    }

    fn fit(&self, train: &Digits, validation: Option<&Digits>, context: &FitContext) -> Result<Fitted, LearnerError> {
        let (start, config) = (Instant::now(), self.settings.knn);
        if train.len() < config.k {
            let problem = format!("{} training images, but `k` asks for {} neighbours", train.len(), config.k);
            return Err(ClassicalError::Digits { name: context.label.to_owned(), problem }.into());
        }
        let model = TrainedKnn::new(config, train.images.clone(), train.labels.clone());
        let predict = |images: &Images| model.predict(images);
        let (history, timing) = score_one_step(predict, validation, train.len() as u64, start, context)?;
        Ok(Fitted { classifier: Box::new(model), history, timing })
    }

    fn load(&self, folder: &Path, _device: &ChosenDevice) -> Result<Box<dyn Classifier>, LearnerError> {
        let model = files::load(folder, NAME, |Record { config, images }, arrays| {
            config.check().map_err(|error| format!("is described with an impossible setting: {error}"))?;
            if config.k > images {
                return Err(format!(
                    "is described with k = {} for {images} images, expected at most as many",
                    config.k
                ));
            }
            let pixels: Vec<u8> = arrays.take_shaped("images", &[images, SIDE, SIDE])?;
            let labels: Vec<u8> = arrays.take_shaped("labels", &[images])?;
            if let Some(index) = labels.iter().position(|&label| usize::from(label) >= CLASSES) {
                return Err(format!("holds the label {} for image {index}, expected 0 to 9", labels[index]));
            }
            let images = Images::new(pixels).ok_or("holds images that are not 28 × 28")?;
            Ok(TrainedKnn::new(config, images, labels))
        })?;
        Ok(Box::new(model))
    }

    fn net(&self) -> Option<Box<dyn NetCapabilities + '_>> {
        None
    }
}

/// Contents of the JSON file of a saved model.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    config: KnnConfig,
    /// Number of training images.
    images: usize,
}

/// Nearest-neighbours classifier with its training images. Clones share them.
#[derive(Clone)]
struct TrainedKnn {
    config: KnnConfig,
    stored: Arc<Stored>,
}

/// Training images.
struct Stored {
    images: Images,
    /// Sum of the squared pixels of each image.
    squares: Vec<i32>,
    labels: Vec<u8>,
}

/// Training images closest to an image, nearest first: squared distance and index. Filled up to its capacity.
type Nearest = Vec<(i32, u32)>;

impl TrainedKnn {
    fn new(config: KnnConfig, images: Images, labels: Vec<u8>) -> Self {
        let squares = images.as_slice().par_iter().map(|image| product(image, image)).collect();
        Self { config, stored: Arc::new(Stored { images, squares, labels }) }
    }

    /// Class probabilities, `[n, 10]`, on the caller's rayon pool.
    fn predict(&self, images: &Images) -> Probabilities {
        let mut rows = vec![[0.0; CLASSES]; images.len()];
        images.as_slice().par_chunks(QUERIES).zip(rows.par_chunks_mut(QUERIES)).for_each(|(images, rows)| {
            let mut nearest: Vec<Nearest> = images.iter().map(|_| Vec::with_capacity(self.config.k)).collect();
            self.search(images, &mut nearest);
            for (row, nearest) in rows.iter_mut().zip(&nearest) {
                *row = self.probabilities(nearest);
            }
        });
        rows
    }

    /// Finds the k nearest training images of each image. Allocates nothing if there is room for k.
    fn search(&self, images: &[Image], nearest: &mut [Nearest]) {
        Arch::new().dispatch(Search { stored: &self.stored, k: self.config.k, images, nearest });
    }

    /// Shares of the classes among the neighbours of an image.
    fn probabilities(&self, nearest: &[(i32, u32)]) -> [f32; CLASSES] {
        let identical = nearest.first().is_some_and(|&(squared, _)| squared == 0);
        let mut votes = [0.0; CLASSES];
        for &(squared, index) in nearest {
            votes[usize::from(self.stored.labels[index as usize])] += match self.config.weights {
                Weights::Uniform => 1.0,
                Weights::Distance if identical => f64::from(u8::from(squared == 0)),
                Weights::Distance => 1.0 / f64::from(squared).sqrt(),
            };
        }
        let sum: f64 = votes.iter().sum();
        votes.map(|vote| (vote / sum) as f32)
    }

    fn contents(&self) -> (Arrays, Record) {
        let (stored, count) = (&self.stored, self.stored.images.len());
        let mut arrays = Arrays::default();
        arrays.insert("images", &[count, SIDE, SIDE], stored.images.pixels());
        arrays.insert("labels", &[count], &stored.labels);
        (arrays, Record { config: self.config, images: count })
    }
}

/// [`TrainedKnn::search`] with the best instructions there are.
struct Search<'a> {
    stored: &'a Stored,
    k: usize,
    images: &'a [Image],
    nearest: &'a mut [Nearest],
}

impl WithSimd for Search<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { stored, k, images, nearest } = self;
        let mut first = 0;
        for (others, squares) in stored.images.as_slice().chunks(BLOCK).zip(stored.squares.chunks(BLOCK)) {
            for (image, nearest) in images.iter().zip(nearest.iter_mut()) {
                // The image's own square is the same in all of its distances: it is added at the end.
                let mut distances = [0; BLOCK];
                for ((other, square), to) in others.iter().zip(squares).zip(&mut distances) {
                    *to = square - 2 * product(image, other);
                }
                for (&distance, index) in distances[..others.len()].iter().zip(first..) {
                    offer(nearest, k, (distance, index));
                }
            }
            first += others.len() as u32;
        }
        for (image, nearest) in images.iter().zip(nearest) {
            let square = product(image, image);
            nearest.iter_mut().for_each(|(distance, _)| *distance += square);
        }
    }
}

/// Puts a training image among the k nearest if it is nearer than one of those; they come in the order of their index.
#[inline(always)]
fn offer(nearest: &mut Nearest, k: usize, (distance, index): (i32, u32)) {
    if nearest.len() == k {
        if nearest.last().is_some_and(|&(farthest, _)| farthest <= distance) {
            return;
        }
        nearest.pop();
    }
    let rank = nearest.partition_point(|&(other, _)| other <= distance);
    nearest.insert(rank, (distance, index));
}

/// `x·y`
#[inline(always)]
fn product(x: &Image, y: &Image) -> i32 {
    x.iter().zip(y).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

impl Classifier for TrainedKnn {
    fn predict_proba(&self, images: &Images) -> Result<Probabilities, LearnerError> {
        Ok(self.predict(images))
    }

    fn predictor(&self) -> Result<Box<dyn Predictor>, LearnerError> {
        Ok(Box::new(KnnPredictor { model: self.clone(), nearest: Vec::with_capacity(self.config.k) }))
    }

    fn save(&self, folder: &Path) -> Result<(), LearnerError> {
        let (arrays, record) = self.contents();
        Ok(files::save(folder, NAME, &arrays, record)?)
    }

    fn inspect(&self) -> &dyn Inspect {
        self
    }
}

impl Inspect for TrainedKnn {
    fn formats(&self) -> &'static [ModelFormat] {
        &[ModelFormat::Safetensors]
    }

    fn export(&self, format: ModelFormat, notes: &ModelNotes) -> Result<Vec<u8>, LearnerError> {
        match format {
            ModelFormat::Safetensors => {
                let (arrays, record) = self.contents();
                Ok(files::to_safetensors(NAME, &arrays, record, &notes.texts())?)
            }
            _ => Err(LearnerError::no_format(self.formats(), format, notes)),
        }
    }
}

/// Predictor with room for the neighbours of one image.
struct KnnPredictor {
    model: TrainedKnn,
    nearest: Nearest,
}

impl Predictor for KnnPredictor {
    fn predict_one(&mut self, image: &Image) -> [f32; CLASSES] {
        self.nearest.clear();
        self.model.search(std::slice::from_ref(image), std::slice::from_mut(&mut self.nearest));
        self.model.probabilities(&self.nearest)
    }

    fn another(&self) -> Box<dyn Predictor> {
        Box::new(Self { model: self.model.clone(), nearest: Vec::with_capacity(self.model.config.k) })
    }
}
