//! What a report is made of.

use crate::{data::PIXELS, evaluation::ModelScores, fit::History, storage::Environment};

/// Everything a report shows. What is empty or `None` is left out of the page.
#[derive(Clone, Debug, Default)]
pub struct ReportInput {
    /// Heading of the page: the run's name.
    pub title: String,
    /// What was trained and tested on.
    pub data: DataSummary,
    /// Where the run was made.
    pub environment: Environment,
    /// The resolved configuration.
    pub config_toml: String,
    /// Members, ensembles and stacks. Their order gives each its colour.
    pub models: Vec<ModelScores>,
    /// The model that the confusion matrix, the calibration and the mistakes are about; otherwise the one with the best
    /// out-of-fold accuracy.
    pub featured: Option<String>,
    /// How each member's fits went.
    pub histories: Vec<MemberHistories>,
    /// How long each stage took, in order.
    pub timings: Vec<StageTime>,
    /// The worst mistakes of the featured model, worst first.
    pub mistakes: Vec<Mistake>,
    /// First-layer filters of nets.
    pub filters: Vec<Filters>,
    /// The same of nets that were filmed.
    pub films: Vec<Film>,
    /// A few training digits as the models see them.
    pub examples: Vec<Example>,
    /// [`crate::storage::Manifest::reproducible_hash`] of the run.
    pub reproducible_hash: String,
    /// The page of the search that chose the settings, as a path relative to this report's page.
    pub study: Option<String>,
}

/// The data of a run.
#[derive(Clone, Debug, Default)]
pub struct DataSummary {
    /// Where the digits come from, in words.
    pub source: String,
    /// Training images, copies included.
    pub train_images: usize,
    /// Test images; none if there is no test set.
    pub test_images: Option<usize>,
    /// Folds of the training images; 0: a part was held out instead.
    pub folds: usize,
}

impl DataSummary {
    /// What the scores are on that [`ModelScores::out_of_fold`] holds.
    pub(super) fn held_out(&self) -> &'static str {
        if self.folds > 0 { "out-of-fold" } else { "validation" }
    }
}

/// The fits of one member.
#[derive(Clone, Debug)]
pub struct MemberHistories {
    /// As in [`ModelScores::name`].
    pub member: String,
    /// Label ("fold 1") and course of each fit.
    pub fits: Vec<(String, History)>,
}

/// One stage of the run.
#[derive(Clone, Debug)]
pub struct StageTime {
    /// What was done.
    pub name: String,
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Images that went through; none where that means nothing.
    pub images: Option<u64>,
}

/// An image that the featured model got wrong.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// `[28, 28]`, 0 = background.
    pub image: [u8; PIXELS],
    /// Its place in the set that was scored, from 0.
    pub index: usize,
    /// Its label.
    pub label: u8,
    /// What the featured model took it for.
    pub predicted: u8,
    /// How probable that was to the featured model, 0 to 1.
    pub probability: f64,
    /// What each member thinks.
    pub opinions: Vec<MemberOpinion>,
}

/// What one member thinks of an image.
#[derive(Clone, Debug)]
pub struct MemberOpinion {
    /// As in [`ModelScores::name`].
    pub member: String,
    /// The most probable digit.
    pub digit: u8,
    /// Its probability, 0 to 1.
    pub probability: f64,
}

/// What a model's first layer looks for: the first convolution of a net, the weights of a regression.
#[derive(Clone, Debug)]
pub struct Filters {
    /// As in [`ModelScores::name`].
    pub member: String,
    /// Height and width of a filter.
    pub side: usize,
    /// `[filters][side * side]`, row-major.
    pub weights: Vec<Vec<f32>>,
}

/// The first layer of a net while it was trained.
#[derive(Clone, Debug)]
pub struct Film {
    /// As in [`ModelScores::name`].
    pub member: String,
    /// Height and width of a filter.
    pub side: usize,
    /// Iterations before the picture, and `[filters][side * side]`, row-major; in order.
    pub pictures: Vec<(u64, Vec<Vec<f32>>)>,
}

/// A digit to show.
#[derive(Clone, Debug)]
pub struct Example {
    /// `[28, 28]`, 0 = background.
    pub image: [u8; PIXELS],
    /// Its label.
    pub label: u8,
}

/// One model among those of many runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The model's name: the same name has the same colour.
    pub model: String,
    /// Where it is from.
    pub run: String,
    /// Numbers that it learned, if that is known.
    pub parameters: Option<u64>,
    /// How long it was trained, if that is known.
    pub seconds: Option<f64>,
    /// How it was measured, in a few words.
    pub protocol: String,
    /// True if the accuracy is on training digits that were held out, for want of test images.
    pub is_held_out: bool,
    /// Test accuracy, 0 to 1: of one model, or the mean over several seeds.
    pub value: f64,
    /// Lower end of its interval: of 95 %, or one standard deviation below the mean.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
    /// Seeds that it is the mean of; 1 for one model.
    pub seeds: usize,
    /// What others report of such a model, each 0 to 1.
    pub reported: Vec<f64>,
}
