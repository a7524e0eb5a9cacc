//! Guarantees of the library, one module for each room or guarantee, checked in this process.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod boosting;
mod classical;
mod data_download;
mod data_layouts;
mod data_sources;
mod data_split;
mod evaluation;
mod imaging_formats;
mod imaging_pictures;
mod imaging_reference;
mod knn;
mod nn_devices;
mod nn_reference;
#[cfg(target_os = "linux")]
mod nn_threads;
mod nn_training;
mod reading;
mod report_run;
mod report_study;
mod run_directory;
mod single_images;
mod skipping;
mod stacking_leaks;
mod stacking_reference;
mod study_log;
#[allow(dead_code, unused_imports, reason = "each test program uses a part of it")]
#[path = "../support/mod.rs"]
mod support;
