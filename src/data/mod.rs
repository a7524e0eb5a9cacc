//! Where digits come from, and how they are divided.
//!
//! Everything downstream sees [`Digits`]: 28×28 images, their labels and the *group* of each image. All images that
//! were made from one original share its group, and nothing ever splits a group between training and validation.
//!
//! | module | what it does |
//! |---|---|
//! | [`source`] | settings → a [`Source`], which reads training data when asked and test data not before it is asked |
//! | [`mnist`], [`download`] | finds MNIST, or downloads and verifies it |
//! | [`idx`], [`csv`], [`folder`] | the file formats: each refuses what is damaged, and says which file, line and column |
//! | [`synthetic`] | digits drawn by the program itself |
//! | [`folds`] | stratified folds, holdout and subsets that keep groups together |
//! | [`tables`] | any source drawn anew into `train.csv`, `test.csv` and its answers |
//!
//! No pixel is changed here; what is read goes on to the folds as it is.

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
