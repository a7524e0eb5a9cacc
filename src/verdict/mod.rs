//! What to say of an image: a digit with a confidence that means something, or that it is none.
//!
//! ```text
//! training digits, images that are none → Guard: how little an image looks like one digit
//! rows of the stack that did not see their images → Temperature, least confidence
//! 28×28 image, the stack's row → Judge::judge → Verdict
//! ```
//!
//! A classifier of ten classes has no eleventh: asked about a scribble, it names a digit, often without doubt. So a
//! small CNN of its own, the [`Guard`], learns what a digit is from the training digits on one side and, on the other,
//! images made to be none ([`nondigits`]): lines and curves that lead nowhere, blots, two digits side by side (outlier
//! exposure: Hendrycks, Mazeika, Dietterich, *Deep Anomaly Detection with Outlier Exposure*, ICLR 2019). What looks
//! less like a digit than nearly all training digits it had not seen is refused, and so is a row without a favourite.
//! Both bounds are quantiles of the *training* digits ([`REFUSED_BY_LOOK`], [`REFUSED_BY_CONFIDENCE`]), so that two or
//! three digits in a thousand are refused, whatever the models (of a few thousand digits the bounds are read from so
//! few that it may be one in a hundred); `digitstack evaluate --drawn` counts it on test images.
//!
//! Confidence is the stack's probability after temperature scaling ([`Temperature`]), fitted on predictions out of
//! fold.
//!
//! What it does not do: tell a well-drawn letter from a digit.

mod guard;
mod judge;
mod nondigits;
mod refusal;
mod temperature;

pub use guard::{Guard, REFUSED_BY_LOOK, guard_learner};
pub use judge::{Bounds, Judge, REFUSED_BY_CONFIDENCE, Verdict};
pub use nondigits::nondigits;
pub use refusal::Refusal;
pub use temperature::Temperature;
