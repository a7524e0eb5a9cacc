//! Data sets of digits: sources, file formats, and divisions.
//!
//! Everything downstream sees [`Digits`]: 28×28 images, their labels and the *group* of each image. All images that
//! were made from one original share its group, and nothing ever splits a group between training and validation.
//!
//! | module | what it does |
//! |---|---|
//! | [`source`] | settings → a [`Source`], which reads training data when asked and test data not before it is asked |
//! | [`layout`] | tells a folder's layout by the names in it |
//! | [`mnist`], [`download`] | finds MNIST, or downloads and verifies it |
//! | [`idx`], [`qmnist`], [`csv`], [`folder`] | the file formats; errors name the file, the line and the column |
//! | [`synthetic`] | digits drawn by the program itself |
//! | [`folds`] | stratified folds, holdout and subsets that keep groups together |
//! | [`tables`] | any source as `train.csv`, `test.csv`, its answers and their record `split.json` |
//!
//! No picture is decoded here: folders hand whole files to a [`PictureReader`]. Stored 28×28 images go to the folds as
//! they were read, but for sets on a light background, which are inverted, and those stored turned, which are righted.

mod config;
mod copies;
mod counted;
pub mod csv;
mod digits;
pub mod download;
mod error;
mod field_error;
mod file;
pub mod folder;
pub mod folds;
mod ground;
mod held_out;
pub mod idx;
mod labels;
pub mod layout;
pub mod mnist;
mod origins;
mod picture;
mod picture_files;
pub mod qmnist;
mod sniff;
pub mod source;
mod split_marker;
pub mod synthetic;
pub mod tables;

pub use config::{DataConfig, SourceConfig, SourceKind};
pub use copies::{describe_shared, shared_csv, shared_images};
pub use digits::{CLASSES, Digits, Images, PIXELS, Probabilities, SIDE};
pub use error::{DataError, Result};
pub use field_error::FieldError;
pub use file::FileHash;
pub(crate) use folder::quoted;
pub use folder::{SkippedFile, skipped_csv};
pub use folds::{
    Folds, Split, stratified_group_folds, stratified_group_hold_out, stratified_group_split, stratified_subset,
};
pub use held_out::HeldOut;
pub use origins::Origins;
pub use picture::{PictureDigit, PictureProblem, PictureProblemKind, PictureReader, Polarity};
pub use picture_files::{NamedPicture, find_pictures};
pub use sniff::foreign_content;
pub use source::{Fingerprint, Source};
