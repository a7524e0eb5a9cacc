//! What to say of an image: a digit with a confidence that means something, or that it is none.
//!
//! ```text
//! training images, rows of the stack that did not see them → Judge::fit → Judge
//! drawn ink, 28×28 image, the stack's row → Judge::judge → Verdict
//! ```
//!
//! A classifier of ten classes has no eleventh: asked about a scribble, it names a digit, often without doubt. So an image is judged before its
//! row is believed. Four things are told apart: no ink; two digits beside one another (large pieces of ink that lie apart, or a box
//! wider than digits are); ink that is no digit's (amount, density, strokes crossed, holes, pieces beyond what training digits have); and a
//! row without a favourite. Every bound is a quantile of the *training* digits ([`REFUSED_BY_SHAPE`], [`REFUSED_BY_CONFIDENCE`]), so that about
//! three digits in a thousand are refused, whatever the models; `digitstack evaluate --drawn` counts it on test images.
//!
//! Confidence is the stack's probability after temperature scaling ([`Temperature`]), fitted on predictions out of fold.
//!
//! What it does not do: tell a well-drawn letter from a digit.

mod judge;
mod refusal;
mod shape;
mod temperature;

pub use judge::{Judge, REFUSED_BY_CONFIDENCE, REFUSED_BY_SHAPE, Verdict};
pub use refusal::{Refusal, digits_beside};
pub use shape::Shape;
pub use temperature::Temperature;
