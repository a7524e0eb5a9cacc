//! Schedules of the learning rate.
//!
//! Burn's schedulers have a state that every step changes; here the factor is a function of the step alone, so that a
//! resumed run needs no scheduler state and cannot differ from an uninterrupted one.

use serde::{Deserialize, Serialize};

use crate::data::FieldError;

/// Schedule of the learning rate: a factor that depends on the step and the number of steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// Constant factor 1.
    #[default]
    Constant,
    /// Step decay: multiplied by `factor` after every `epochs` epochs.
    Step {
        /// Epochs between two changes, at least 1.
        epochs: u32,
        /// Factor of each change, above 0 and at most 1.
        factor: f64,
    },
    /// Half a cosine from 1 down to `last` (Loshchilov and Hutter, 2017, without restarts).
    Cosine {
        /// Factor at the end, 0 to 1. Default 0.
        #[serde(default)]
        last: f64,
    },
    /// Cosine up from 1 / `initial_divisor` to 1 over the `warmup` fraction of the steps, then cosine down to 1 /
    /// `final_divisor` (Smith and Topin, 2018).
    OneCycle {
        /// Fraction of the steps with a rising rate, 0 to below 1. Default 0.3.
        #[serde(default = "warmup")]
        warmup: f64,
        /// Reciprocal of the first factor, at least 1. Default 25.
        #[serde(default = "initial_divisor")]
        initial_divisor: f64,
        /// Reciprocal of the last factor, at least 1. Default 10,000.
        #[serde(default = "final_divisor")]
        final_divisor: f64,
    },
}

fn warmup() -> f64 {
    0.3
}

fn initial_divisor() -> f64 {
    25.0
}

fn final_divisor() -> f64 {
    10_000.0
}

impl Schedule {
    /// Returns the factor for `step` (counted from 0) of `steps_per_epoch · epochs` steps.
    pub fn factor(&self, step: u64, steps_per_epoch: u64, epochs: u32) -> f64 {
        let last_step = (steps_per_epoch * u64::from(epochs)).saturating_sub(1);
        let progress = if last_step == 0 { 0.0 } else { (step as f64 / last_step as f64).min(1.0) };
        match *self {
            Self::Constant => 1.0,
            Self::Step { epochs, factor } => {
                let changes = step / steps_per_epoch.max(1) / u64::from(epochs.max(1));
                factor.powi(i32::try_from(changes).unwrap_or(i32::MAX))
            }
            Self::Cosine { last } => cosine(1.0, last, progress),
            Self::OneCycle { warmup, initial_divisor, .. } if progress < warmup => {
                cosine(1.0 / initial_divisor, 1.0, progress / warmup)
            }
            Self::OneCycle { warmup, final_divisor, .. } => {
                cosine(1.0, 1.0 / final_divisor, (progress - warmup) / (1.0 - warmup))
            }
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If one is outside its range.
    pub fn check(&self) -> Result<(), FieldError> {
        let inside = |field: &str, ok: bool, found: f64, allowed: &str| {
            if ok { Ok(()) } else { Err(FieldError::new(field, format!("must be {allowed}, found {found}"))) }
        };
        match *self {
            Self::Constant => Ok(()),
            Self::Step { epochs, factor } => {
                inside("epochs", epochs > 0, f64::from(epochs), "at least 1")?;
                inside("factor", factor > 0.0 && factor <= 1.0, factor, "above 0 and at most 1")
            }
            Self::Cosine { last } => inside("last", (0.0..=1.0).contains(&last), last, "0 to 1"),
            Self::OneCycle { warmup, initial_divisor, final_divisor } => {
                inside("warmup", (0.0..1.0).contains(&warmup), warmup, "0 to below 1")?;
                inside(
                    "initial_divisor",
                    initial_divisor >= 1.0 && initial_divisor.is_finite(),
                    initial_divisor,
                    "at least 1",
                )?;
                inside("final_divisor", final_divisor >= 1.0 && final_divisor.is_finite(), final_divisor, "at least 1")
            }
        }
    }
}

/// Interpolates from `first` (progress 0) to `last` (progress 1) along half a cosine.
fn cosine(first: f64, last: f64, progress: f64) -> f64 {
    last + (first - last) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }

    #[test]
    fn factors_are_the_documented_ones() {
        close(Schedule::Constant.factor(99, 10, 10), 1.0);
        let step = Schedule::Step { epochs: 2, factor: 0.1 };
        for (at, expected) in [(0, 1.0), (19, 1.0), (20, 0.1), (39, 0.1), (40, 0.01)] {
            close(step.factor(at, 10, 10), expected);
        }
        let cosine = Schedule::Cosine { last: 0.2 };
        close(cosine.factor(0, 101, 1), 1.0);
        close(cosine.factor(50, 101, 1), 0.6);
        close(cosine.factor(100, 101, 1), 0.2);
        let cycle = Schedule::OneCycle { warmup: 0.25, initial_divisor: 10.0, final_divisor: 100.0 };
        close(cycle.factor(0, 101, 1), 0.1);
        close(cycle.factor(25, 101, 1), 1.0);
        close(cycle.factor(100, 101, 1), 0.01);
    }

    #[test]
    fn a_single_step_has_a_factor() {
        for schedule in [Schedule::Constant, Schedule::Cosine { last: 0.0 }] {
            close(schedule.factor(0, 1, 1), 1.0);
        }
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert!(Schedule::Step { epochs: 0, factor: 0.5 }.check().is_err());
        assert!(Schedule::Step { epochs: 1, factor: f64::NAN }.check().is_err());
        assert!(Schedule::Cosine { last: 1.5 }.check().is_err());
        assert!(Schedule::OneCycle { warmup: 1.0, initial_divisor: 25.0, final_divisor: 10.0 }.check().is_err());
        let read: Schedule = serde_json::from_str(r#"{"kind":"one-cycle"}"#).unwrap();
        assert_eq!(read.check(), Ok(()));
        assert!(serde_json::from_str::<Schedule>(r#"{"kind":"cosine","first":1}"#).is_err());
    }
}
