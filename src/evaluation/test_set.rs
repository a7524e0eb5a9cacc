//! The test set, sealed until training is finished.
//!
//! A test score is unbiased only if no choice was based on it. The types enforce this: the source of the test digits is
//! sealed in a [`TestSet`], and [`TestSet::open`] takes a [`FinishedTraining`] by value. Both are consumed, so a second
//! opening does not compile:
//!
//! ```compile_fail,E0382
//! # use digitstack::evaluation::{FinishedTraining, TestSet};
//! let sealed = TestSet::sealed(|| Ok::<_, std::io::Error>(7));
//! let finished = FinishedTraining::new(&["sha256 of the stack"], None).unwrap();
//! let once = sealed.open(finished);
//! let twice = sealed.open(FinishedTraining::new(&["sha256 of the stack"], None).unwrap());
//! ```
//!
//! Across processes the same is enforced by the record of the opening: a resumed run passes it to
//! [`FinishedTraining::new`], which fails if the models are not those for which the test set was opened. Not prevented:
//! deleting the record, or choosing the best of many runs by their test scores.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::EvaluationError;
use crate::storage::Sha256Digest;

/// Proof of finished training: every model is chosen, fitted and saved.
#[derive(Debug)]
pub struct FinishedTraining {
    models: String,
}

impl FinishedTraining {
    /// Makes the proof from `models`, an identity of every saved model such as the SHA-256 of its files, and `earlier`,
    /// the record of an opening by this run before it was interrupted.
    ///
    /// # Errors
    /// If no model is named, or if the test set was already opened for other models.
    pub fn new<S: AsRef<str>>(models: &[S], earlier: Option<&TestOpening>) -> Result<Self, EvaluationError> {
        if models.is_empty() {
            return Err(EvaluationError::NothingTrained);
        }
        let mut hash = Sha256::new();
        for model in models {
            hash.update((model.as_ref().len() as u64).to_le_bytes());
            hash.update(model.as_ref().as_bytes());
        }
        let models = Sha256Digest::from(hash).to_string();
        match earlier {
            Some(earlier) if earlier.models != models => {
                Err(EvaluationError::OpenedBefore { earlier: earlier.models.clone(), now: models })
            }
            _ => Ok(Self { models }),
        }
    }
}

/// Sealed test digits: not read yet.
#[derive(Debug)]
pub struct TestSet<F> {
    source: F,
}

/// Test digits with the record of their opening.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedTestSet<T> {
    /// Digits returned by the source.
    pub digits: T,
    /// Record of the opening, to be saved with the results of the run.
    pub opening: TestOpening,
}

/// Record of the opening of a test set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestOpening {
    /// SHA-256 over the identities of the finished models, in hexadecimal digits.
    pub models: String,
}

impl<F> TestSet<F> {
    /// Seals test digits, which `source` reads when [`TestSet::open`] is called.
    pub fn sealed(source: F) -> Self {
        Self { source }
    }

    /// Reads the test digits.
    ///
    /// # Errors
    /// The error of the source.
    pub fn open<T, E>(self, finished: FinishedTraining) -> Result<OpenedTestSet<T>, E>
    where
        F: FnOnce() -> Result<T, E>,
    {
        Ok(OpenedTestSet { digits: (self.source)()?, opening: TestOpening { models: finished.models } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn digits_are_read_only_when_opened() {
        let reads = Cell::new(0);
        let sealed = TestSet::sealed(|| {
            reads.set(reads.get() + 1);
            Ok::<_, std::fmt::Error>("digits")
        });
        let finished = FinishedTraining::new(&["a", "b"], None).unwrap();
        assert_eq!(reads.get(), 0);
        let opened = sealed.open(finished).unwrap();
        assert_eq!((reads.get(), opened.digits, opened.opening.models.len()), (1, "digits", 64));
    }

    #[test]
    fn only_the_same_models_may_open_again() {
        let sealed = TestSet::sealed(|| Ok::<_, std::fmt::Error>(()));
        let opening = sealed.open(FinishedTraining::new(&["a", "b"], None).unwrap()).unwrap().opening;
        assert!(FinishedTraining::new(&["a", "b"], Some(&opening)).is_ok());
        for others in [&["a", "c"][..], &["ab"], &["b", "a"]] {
            assert!(matches!(FinishedTraining::new(others, Some(&opening)), Err(EvaluationError::OpenedBefore { .. })));
        }
        assert_eq!(FinishedTraining::new(&[""; 0], None).unwrap_err(), EvaluationError::NothingTrained);
    }
}
