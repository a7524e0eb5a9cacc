//! digitstack: train, search, stack and serve handwritten-digit classifiers.
//!
//! The crate is a pipeline. Its modules are listed here in the order in which data flows; each imports only from those
//! above it.
//!
//! ```text
//! source → Digits → preprocessed Digits → folds → learners: fit / predict_proba → metafeatures → meta-model → evaluation
//!        → artifact → report, page, service
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`seed`], [`progress`] | the seed of a run and a generator for every purpose; reports of long work |
//! | [`storage`] | files: atomic, limited, hashed; arrays; the run directory: locked, resumable, verified |
//! | [`data`] | [`data::Digits`]: their sources, their division into folds |
//! | [`optimize`] | minimisation of smooth convex functions |
//! | [`imaging`] | one image in, one image out: preprocessing, augmentation, a drawing → a digit |
//! | [`onnx`] | graphs of standard operators that other programs run |
//! | [`device`] | the choice of the processor that nets are computed on |
//! | [`fit`] | the context of a fit, its history and timing, curves for TensorBoard; jobs that run fits at once |
//! | [`nn`] | nets, losses, optimizers, the one trainer (on Burn), export and import |
//! | [`boosting`] | LightGBM |
//! | [`classical`] | logistic regression and the support-vector machine, on the pixels |
//! | [`learners`] | the traits that all models implement, and the list of learners |
//! | [`evaluation`] | scores with intervals, and the only place that opens the test set |
//! | [`stacking`] | out-of-fold predictions, metafeatures, meta-models |
//! | [`verdict`] | calibrated confidence and out-of-distribution detection |
//! | [`reading`] | a picture → its numbers: division into digits by recognition |
//! | [`tuning`] | the search for hyperparameters: stages as data, samplers, the study log |
//! | [`report`] | plots and self-contained pages |
//! | [`preprocessing`] | rotated copies and the recipe that every image goes through |
//! | [`config`] | the TOML of a run or a search: parsed once into checked settings |
//! | [`artifact`] | a finished directory: file names and records, models, export, leaderboard |
//! | [`training`] | the one path from digits to a finished directory; searches |
//! | [`serve`] | the HTTP service and the drawing page |
//! | [`cli`] | arguments → calls into the library |

pub mod artifact;
pub mod boosting;
pub mod classical;
pub mod cli;
pub mod config;
pub mod data;
pub mod device;
pub mod evaluation;
mod field_path;
pub mod fit;
pub mod imaging;
pub mod learners;
pub mod nn;
pub mod onnx;
pub mod optimize;
pub mod preprocessing;
pub mod progress;
pub mod reading;
pub mod report;
pub mod seed;
pub mod serve;
pub mod stacking;
pub mod storage;
pub mod training;
pub mod tuning;
pub mod verdict;
