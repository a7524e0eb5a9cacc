//! From the raw digits to what the models see.

use std::{path::Path, sync::Arc};

use super::{RunFailure, config::PrepareConfig};
use crate::{
    data::{DataConfig, Digits, FieldError, ImageToDigit, Images, Source},
    imaging::{self, DrawingOptions},
    seed::Seed,
};

/// How a picture in a class folder becomes a digit: like a drawing.
fn picture_to_digit() -> ImageToDigit {
    Arc::new(|picture| {
        imaging::digit_from_picture(picture, &DrawingOptions::default())
            .map(|digit| digit.image)
            .map_err(|error| error.to_string())
    })
}

/// The training digits: rotated copies, each in the group of its original, then the recipe.
pub(super) fn training(config: &PrepareConfig, digits: Digits) -> Result<Digits, FieldError> {
    if config.rotations.is_empty() {
        let images = steps(config, &digits.images)?;
        return Ok(Digits { images, ..digits });
    }
    Ok(imaging::expand(&digits, &config.rotations, &config.recipe.compile()?, Seed(0)))
}

/// Test images, or drawn ones: the recipe alone.
pub(super) fn steps(config: &PrepareConfig, images: &Images) -> Result<Images, FieldError> {
    // No step of the recipe is random: the seed is never drawn from.
    Ok(if config.recipe.steps.is_empty() {
        images.clone()
    } else {
        config.recipe.compile()?.apply_all(images, Seed(0))
    })
}

/// Test digits: never rotated.
pub(super) fn test(config: &PrepareConfig, digits: Digits) -> Result<Digits, FieldError> {
    Ok(Digits { images: steps(config, &digits.images)?, ..digits })
}

/// A data set, or that of another folder.
pub fn open_data(config: &DataConfig, folder: Option<&Path>) -> Result<Source, RunFailure> {
    Ok(Source::open(config, folder, picture_to_digit())?)
}
