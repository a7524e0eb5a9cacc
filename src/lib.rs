//! digitstack: train, search, stack and serve handwritten-digit classifiers.
//!
//! The crate is a pipeline. Its modules are listed here in the order in which data flows; each imports only from those
//! above it.
//!
//! ```text
//! source → Digits → prepared Digits → folds → learners: fit / predict_proba → metafeatures → meta-model → evaluation → run → report, page
//! ```
//!
//! | module | what lives there |
//! |---|---|
//! | [`seed`], [`progress`] | one seed for a run and a generator for every purpose; how long work reports |
//! | [`storage`] | files: atomic, limited, hashed; arrays; the run directory: locked, resumable, verified |
//! | [`fit`] | what every fit needs: its course, its timing |
//! | [`data`] | [`data::Digits`]: where they come from, how they are divided |
//! | [`optimize`] | smooth convex functions and where they are least |
//! | [`imaging`] | one image in, one image out: preprocessing, augmentation, a drawing → a digit |
//! | [`onnx`] | graphs of standard operators, which other programs run |
//! | [`device`] | the processors of this machine, and the choice of one |
//! | [`nn`] | nets, losses, optimizers, the one trainer (on Burn), a check of gradients |
//! | [`boosting`] | LightGBM |
//! | [`classical`] | logistic regression and the support-vector machine, on the pixels |
//! | [`learners`] | the traits that all models meet, [`learners::Learner`], [`learners::Classifier`] and [`learners::Predictor`], and their list |
//! | [`evaluation`] | scores with intervals, and the only place that opens the test set |
//! | [`stacking`] | out-of-fold predictions, metafeatures, meta-models |
//! | [`verdict`] | what is said of an image: a calibrated confidence, or that it is no digit |
//! | [`tuning`] | the search for hyperparameters: stages as data, samplers, the study log |
//! | [`report`] | plots and the self-contained page |
//! | [`pipeline`] | the configuration, and the whole way from raw files to a report |
//! | [`serve`] | the HTTP service and the drawing page |
//! | [`cli`] | arguments → calls into the library |

pub mod boosting;
pub mod classical;
pub mod cli;
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
pub mod pipeline;
pub mod progress;
pub mod report;
pub mod seed;
pub mod serve;
pub mod stacking;
pub mod storage;
pub mod tuning;
pub mod verdict;
