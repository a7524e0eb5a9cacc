//! The verdict on an image: a digit with calibrated confidence, or the reason why none is given.
//!
//! ```text
//! training digits, synthetic non-digits → OutOfDistributionDetector: score of how unlike a digit an image is
//! out-of-fold rows of the stack         → JudgeParameters: temperature, minimum confidence
//! 28×28 image, row of the stack         → Judge::judge → Verdict
//! ```
//!
//! A classifier of ten classes has no eleventh: shown a scribble, it names a digit, often with high confidence. A small
//! CNN, the [`OutOfDistributionDetector`], therefore learns to tell training digits from images made to be none
//! ([`nondigits`]): scribbles, numbers of several digits, letters, symbols, doodles, turned digits (outlier exposure:
//! Hendrycks, Mazeika, Dietterich, *Deep Anomaly Detection with Outlier Exposure*, ICLR 2019). An image that looks less
//! like a digit than nearly all held-out training digits is refused, and so is a row whose top probability is below the
//! minimum confidence. Several digits are also recognised by their connected parts. A refusal comes with [`Advice`] for
//! the person who drew the image.
//!
//! Both thresholds are quantiles over *training* digits ([`DETECTOR_REFUSAL_RATE`], [`CONFIDENCE_REFUSAL_RATE`]): about
//! four to five digits in a thousand are refused, whatever the models. With a few thousand training digits the quantiles
//! rest on so few images that it may be one in a hundred. `digitstack evaluate --drawn` measures the rate on test images,
//! and the share refused of every kind of non-digit, among them letters, symbols and doodles that the detector was never
//! trained on.
//!
//! Confidence is the stack's probability after temperature scaling ([`Temperature`]), fitted on out-of-fold
//! predictions.
//!
//! Not supported: refusing what a digit looks like: the letters O, I, S, Z, B, g and others that are left out of the
//! training (`nondigits/shapes`), a circle, a single upright stroke.

mod advice;
mod detector;
mod judge;
mod nondigits;
mod parameters;
mod parts;
mod refusal;
mod temperature;

pub use advice::Advice;
pub use detector::{DETECTOR_REFUSAL_RATE, OutOfDistributionDetector, detector_learner};
pub use judge::{Judge, Verdict};
pub use nondigits::{ShapeKind, ShapePart, Sketch, draw_digit, draw_number, draw_shape, nondigits, pen_digits};
pub use parameters::{CONFIDENCE_REFUSAL_RATE, JudgeParameters};
pub use refusal::Refusal;
pub use temperature::Temperature;
