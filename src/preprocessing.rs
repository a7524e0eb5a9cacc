//! From raw digits to the images that the models see.
//!
//! Training digits get rotated copies, each in the group of its original; then every image, of training and test digits
//! alike, goes through the deterministic steps of the recipe. Random steps belong to a member's augmentation.

use std::{path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    data::{
        DataConfig, DataError, Digits, FieldError, Images, PictureDigit, PictureProblem, PictureProblemKind,
        PictureReader, Polarity, Source,
    },
    imaging::{self, DrawingError, DrawingOptions, InkSource, Recipe},
    seed::Seed,
};

/// Most rotated copies of a training image.
const MAX_ROTATIONS: usize = 32;

/// The `[prepare]` table: preprocessing of every image before any model sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PreprocessingConfig {
    /// Deterministic steps for training and test images alike. Default: none.
    pub recipe: Recipe,
    /// Angles in degrees, −180 to 180, at most 32: each training image gets a copy rotated by each before the steps, such
    /// as `[0, -24, 24]`. Test images are never rotated. Default: none, each image as it is.
    pub rotations: Vec<f32>,
}

impl PreprocessingConfig {
    /// Checks the steps and the rotations.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn check(&self) -> Result<(), FieldError> {
        self.recipe.check().map_err(|error| error.inside("recipe"))?;
        if self.recipe.is_random() {
            return Err(FieldError::new("recipe", "has a random step; random steps belong in a member's `augment`"));
        }
        if self.rotations.len() > MAX_ROTATIONS {
            let problem = format!("found {}, expected at most {MAX_ROTATIONS}", self.rotations.len());
            return Err(FieldError::new("rotations", problem));
        }
        match self.rotations.iter().find(|degrees| !(-180.0..=180.0).contains(*degrees)) {
            Some(degrees) => {
                Err(FieldError::new("rotations", format!("found {degrees}, expected degrees from -180 to 180")))
            }
            None => Ok(()),
        }
    }

    /// Copies of each training image that the models see.
    pub fn copies(&self) -> usize {
        self.rotations.len().max(1)
    }

    /// Training digits with their rotated copies, each in the group of its original, after the steps.
    ///
    /// # Errors
    /// A step that cannot be set up.
    pub fn training(&self, digits: Digits) -> Result<Digits, FieldError> {
        if self.rotations.is_empty() {
            return self.test(digits);
        }
        Ok(imaging::expand(&digits, &self.rotations, &self.recipe.compile()?, Seed(0)))
    }

    /// Test digits after the steps.
    ///
    /// # Errors
    /// A step that cannot be set up.
    pub fn test(&self, digits: Digits) -> Result<Digits, FieldError> {
        Ok(Digits { images: self.images(&digits.images)?, ..digits })
    }

    /// Images after the steps.
    ///
    /// # Errors
    /// A step that cannot be set up.
    pub fn images(&self, images: &Images) -> Result<Images, FieldError> {
        // No step of the recipe is random: the seed is never drawn from.
        match self.recipe.steps.is_empty() {
            true => Ok(images.clone()),
            false => Ok(self.recipe.compile()?.apply_all(images, Seed(0))),
        }
    }
}

/// Opens a data set, or the one in `folder`. A picture in a class folder is read like a drawing.
///
/// # Errors
/// A folder that cannot be read or is not recognised.
pub fn open_data(config: &DataConfig, folder: Option<&Path>) -> Result<Source, DataError> {
    let reader: PictureReader = Arc::new(read_picture);
    Source::open(config, folder, reader)
}

/// Reads a whole picture file as `predict` and the service do.
fn read_picture(bytes: &[u8], polarity: Polarity) -> Result<PictureDigit, PictureProblem> {
    let ink = match polarity {
        Polarity::Auto => InkSource::Auto,
        Polarity::DarkOnLight => InkSource::Dark,
        Polarity::LightOnDark => InkSource::Light,
    };
    match imaging::read_picture(bytes, &DrawingOptions { ink, ..DrawingOptions::default() }) {
        Ok(digit) => {
            let is_light = digit.polarity == InkSource::Light;
            let polarity = if is_light { Polarity::LightOnDark } else { Polarity::DarkOnLight };
            Ok(PictureDigit { pixels: digit.image, polarity })
        }
        Err(error) => Err(picture_problem(&error)),
    }
}

/// The problem of a file that gives no digit, by its kind.
pub(crate) fn picture_problem(error: &DrawingError) -> PictureProblem {
    let kind = match error {
        DrawingError::Blank => PictureProblemKind::Blank,
        DrawingError::NotAPicture { .. } => PictureProblemKind::NotAPicture,
        _ => PictureProblemKind::Unreadable,
    };
    PictureProblem { kind, message: error.to_string() }
}
