//! What `/api/predict` says.

use std::{io::Cursor, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::models::Read;
use crate::{
    data::{CLASSES, PIXELS, SIDE},
    evaluation::{self, ModelKind},
    imaging::{Gray, InkBox, PreparedDigit},
    pipeline::Opinion,
    verdict::Refusal,
};

/// The digit, what every model thinks, and the pictures on the way.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Answer {
    /// The digit; null if none is named, for the reason in `refusal`.
    #[schema(minimum = 0, maximum = 9)]
    digit: Option<u8>,
    /// How probable the most probable digit is, calibrated; null for a blank picture.
    #[schema(minimum = 0, maximum = 1)]
    confidence: Option<f32>,
    /// What it looks like besides; null together with `digit`.
    #[schema(minimum = 0, maximum = 9)]
    runner_up: Option<u8>,
    /// How probable that is.
    #[schema(minimum = 0, maximum = 1)]
    runner_up_confidence: Option<f32>,
    /// Why no digit is named.
    refusal: Option<RefusalBody>,
    /// The model that the digit is from: the stack.
    model: String,
    /// Its calibrated probability of each digit from 0 to 9; null for a blank picture.
    probabilities: Option<[f32; CLASSES]>,
    /// What each model thinks: members, the stack, the ensembles. Empty for a blank picture.
    models: Vec<ModelAnswer>,
    /// The pictures on the way, if asked for with `stages=true`; null for a blank picture and for `pixels`.
    stages: Option<Stages>,
    /// Time of decoding, preprocessing and all models, waiting for a free thread included.
    milliseconds: f64,
}

/// Why no digit is named.
#[derive(Debug, Serialize, ToSchema)]
struct RefusalBody {
    /// `blank`, `several-digits`, `scribble` or `unsure`.
    #[schema(value_type = String)]
    reason: Refusal,
    /// The same in words.
    message: &'static str,
}

/// What one model thinks.
#[derive(Debug, Serialize, ToSchema)]
struct ModelAnswer {
    /// Its name in the run's configuration.
    name: String,
    /// `member`, `stack` or `ensemble`.
    #[schema(value_type = String)]
    kind: ModelKind,
    /// Its most probable digit.
    #[schema(minimum = 0, maximum = 9)]
    digit: u8,
    /// Its probability of each digit from 0 to 9.
    probabilities: [f32; CLASSES],
}

/// The pictures on the way; 0 = background, 255 = ink.
#[derive(Debug, Serialize, ToSchema)]
struct Stages {
    /// The ink of the whole picture, its longer side at most 512 pixels.
    ink: StagePicture,
    /// Where in `ink` the digit lies.
    #[serde(rename = "box")]
    area: Area,
    /// `ink` inside the box.
    cropped: StagePicture,
    /// The digit as 28×28 pixels.
    image: StagePicture,
    /// What the models see, where the run's own recipe changes the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    prepared: Option<StagePicture>,
}

/// A grey PNG as a data URL.
#[derive(Debug, Serialize, ToSchema)]
struct StagePicture {
    width: usize,
    height: usize,
    /// `data:image/png;base64,…`
    png: String,
}

/// A rectangle in pixels.
#[derive(Debug, Serialize, ToSchema)]
struct Area {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Answer {
    /// For a reading. `stages`: the pictures to show, and what the models see if the recipe changed it.
    pub(super) fn of(stack: &str, read: &Read, stages: Option<(&PreparedDigit, Option<[u8; PIXELS]>)>) -> Self {
        let verdict = &read.verdict;
        let digit = verdict.answer.ok();
        Self {
            digit,
            confidence: Some(verdict.confidence),
            runner_up: digit.map(|_| verdict.runner_up),
            runner_up_confidence: digit.map(|_| verdict.runner_up_confidence),
            refusal: verdict.answer.err().map(RefusalBody::of),
            model: stack.to_owned(),
            probabilities: Some(verdict.probabilities),
            models: read.opinions.iter().map(ModelAnswer::of).collect(),
            stages: stages.map(|(digit, prepared)| Stages::of(digit, prepared)),
            milliseconds: 0.0,
        }
    }

    /// For a picture without ink.
    pub(super) fn blank(stack: &str) -> Self {
        Self {
            digit: None,
            confidence: None,
            runner_up: None,
            runner_up_confidence: None,
            refusal: Some(RefusalBody::of(Refusal::Blank)),
            model: stack.to_owned(),
            probabilities: None,
            models: Vec::new(),
            stages: None,
            milliseconds: 0.0,
        }
    }

    pub(super) fn timed(self, took: Duration) -> Self {
        Self { milliseconds: took.as_secs_f64() * 1e3, ..self }
    }

    /// Time of the reading.
    pub(super) fn seconds(&self) -> f64 {
        self.milliseconds / 1e3
    }

    /// Why no digit is named, as one word.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        self.refusal.as_ref().map(|refusal| refusal.reason.name())
    }
}

impl RefusalBody {
    fn of(reason: Refusal) -> Self {
        Self { reason, message: reason.message() }
    }
}

impl ModelAnswer {
    fn of(opinion: &Opinion<[f32; CLASSES]>) -> Self {
        let probabilities = opinion.probabilities;
        Self {
            name: opinion.name.clone(),
            kind: opinion.kind,
            digit: evaluation::rank(&probabilities).digit,
            probabilities,
        }
    }
}

impl Stages {
    fn of(digit: &PreparedDigit, prepared: Option<[u8; PIXELS]>) -> Self {
        let InkBox { left, top, width, height } = digit.ink_box;
        Self {
            ink: StagePicture::of_gray(&digit.ink),
            area: Area { left, top, width, height },
            cropped: StagePicture::of_gray(&digit.cropped),
            image: StagePicture::new(SIDE, SIDE, &digit.image),
            prepared: prepared.map(|image| StagePicture::new(SIDE, SIDE, &image)),
        }
    }
}

impl StagePicture {
    fn of_gray(gray: &Gray) -> Self {
        Self::new(gray.width(), gray.height(), gray.pixels())
    }

    fn new(width: usize, height: usize, pixels: &[u8]) -> Self {
        let mut png = Cursor::new(Vec::new());
        let encoder = PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Up);
        // Writing to memory fails for sizes that do not fit the pixels only, and these do.
        let written = encoder.write_image(pixels, width as u32, height as u32, ExtendedColorType::L8);
        debug_assert!(written.is_ok(), "{width}×{height}: {written:?}");
        Self { width, height, png: format!("data:image/png;base64,{}", STANDARD.encode(png.into_inner())) }
    }
}
