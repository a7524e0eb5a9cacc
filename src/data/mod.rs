//! Data sets of digits: sources, file formats, and divisions.
//!
//! Everything downstream sees [`Digits`]: 28×28 images, their labels and the *group* of each image. All images that
//! were made from one original share its group, and nothing ever splits a group between training and validation.
//!
//! | module | what it does |
//! |---|---|
//! | [`source`] | settings → a [`Source`], which reads training data when asked and test data not before it is asked |
//! | [`mnist`], [`download`] | finds MNIST, or downloads and verifies it |
//! | [`idx`], [`csv`], [`folder`] | the file formats; errors name the file, the line and the column |
//! | [`synthetic`] | digits drawn by the program itself |
//! | [`folds`] | stratified folds, holdout and subsets that keep groups together |
//! | [`tables`] | any source as `train.csv`, `test.csv`, its answers and their record `split.json` |
//!
//! No pixel is changed here: images go to the folds as they were read.

pub mod csv;
mod digits;
pub mod download;
mod error;
mod field_error;
mod file;
pub mod folder;
pub mod folds;
mod held_out;
pub mod idx;
pub mod mnist;
pub mod source;
mod split_marker;
pub mod synthetic;
pub mod tables;

pub use digits::{CLASSES, Digits, Images, PIXELS, Probabilities, SIDE};
pub use error::{DataError, Result};
pub use field_error::FieldError;
pub use file::FileHash;
pub use folder::ImageToDigit;
pub use folds::{
    Folds, Split, stratified_group_folds, stratified_group_hold_out, stratified_group_split, stratified_subset,
};
pub use held_out::HeldOut;
pub use source::{DataConfig, Fingerprint, Source, SourceKind};
