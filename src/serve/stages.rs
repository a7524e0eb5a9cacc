//! Intermediate images of a prediction, as PNG data URLs.

use std::io::Cursor;

use base64::{Engine, engine::general_purpose::STANDARD};
use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    data::{PIXELS, SIDE},
    imaging::{ExtractedDigit, Gray, InkBox},
};

/// Intermediate images from the picture to the models' input; 0 = background, 255 = ink.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stages {
    /// Ink of the whole picture, its longer side at most 512 pixels.
    ink: StagePicture,
    /// Bounding box of the digit in `ink`.
    #[serde(rename = "box")]
    area: InkBox,
    /// `ink` inside the bounding box.
    cropped: StagePicture,
    /// Digit as a 28×28 image.
    image: StagePicture,
    /// Models' input, present if the preprocessing recipe of the run changes the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    prepared: Option<StagePicture>,
}

/// Grey PNG as a data URL.
#[derive(Debug, Serialize, ToSchema)]
struct StagePicture {
    /// Width in pixels.
    width: usize,
    /// Height in pixels.
    height: usize,
    /// `data:image/png;base64,…`
    png: String,
}

impl Stages {
    /// Encodes the stages of a digit. `preprocessed`: the image after the recipe of the run.
    pub(super) fn new(digit: &ExtractedDigit, preprocessed: &[u8; PIXELS]) -> Self {
        let changed = *preprocessed != digit.image;
        Self {
            ink: StagePicture::of_gray(&digit.ink),
            area: digit.ink_box,
            cropped: StagePicture::of_gray(&digit.cropped),
            image: StagePicture::new(SIDE, SIDE, &digit.image),
            prepared: changed.then(|| StagePicture::new(SIDE, SIDE, preprocessed)),
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
        // Writing to memory fails only for dimensions that do not match the pixels, and these do.
        let written = encoder.write_image(pixels, width as u32, height as u32, ExtendedColorType::L8);
        debug_assert!(written.is_ok(), "{width}×{height}: {written:?}");
        Self { width, height, png: format!("data:image/png;base64,{}", STANDARD.encode(png.into_inner())) }
    }
}
