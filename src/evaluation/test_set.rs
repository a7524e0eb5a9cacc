//! The test set, sealed until training is over.
//!
//! A test score is honest only if nothing was chosen by it. That is easy to promise and easy to break by a later edit,
//! so the types keep it: whoever holds the source of the test digits seals it in a [`TestSet`], and [`TestSet::open`]
//! takes, by value, the token of finished training. Both are used up, so a second opening does not compile:
//!
//! ```compile_fail,E0382
//! # use digitstack::evaluation::{FinishedTraining, TestSet};
//! let sealed = TestSet::sealed(|| Ok::<_, std::io::Error>(7));
//! let finished = FinishedTraining::new(&["sha256 of the stack"], None).unwrap();
//! let once = sealed.open(finished);
//! let twice = sealed.open(FinishedTraining::new(&["sha256 of the stack"], None).unwrap());
//! ```
//!
//! Between processes the record of the opening takes over: a run that goes on after a crash shows it to
//! [`FinishedTraining::new`], which refuses if the models are no longer those that the test set was opened for. What
//! this cannot see is a person who deletes the record or looks at many runs' test scores and keeps the best.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::EvaluationError;
use crate::storage::Sha256Digest;

/// The token of finished training: every model is chosen, fitted and saved.
#[derive(Debug)]
pub struct FinishedTraining {
    models: String,
}

impl FinishedTraining {
    /// `models`: an identity of every saved model, such as the SHA-256 of its files; `earlier`: the record of an
    /// opening by this run before it was interrupted.
    ///
    /// # Errors
    /// If no model is named, or if the test set was opened before for other models.
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

/// Test digits that nobody has read yet.
#[derive(Debug)]
pub struct TestSet<F> {
    source: F,
}

/// Test digits, and the record that they were read.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedTestSet<T> {
    /// What the source gave.
    pub digits: T,
    /// Goes into the run's results.
    pub opening: TestOpening,
}

/// The record that the test set was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestOpening {
    /// SHA-256, in hexadecimal digits, over the identities of the models that were finished by then.
    pub models: String,
}

impl<F> TestSet<F> {
    /// Seals the test digits: `source` will read them, and is not called before [`TestSet::open`].
    pub fn sealed(source: F) -> Self {
        Self { source }
    }

    /// Reads the test digits.
    ///
    /// # Errors
    /// Those of the source.
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
    fn nothing_is_read_before_the_opening() {
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
    fn the_same_models_may_go_on_and_others_may_not() {
        let sealed = TestSet::sealed(|| Ok::<_, std::fmt::Error>(()));
        let opening = sealed.open(FinishedTraining::new(&["a", "b"], None).unwrap()).unwrap().opening;
        assert!(FinishedTraining::new(&["a", "b"], Some(&opening)).is_ok());
        for others in [&["a", "c"][..], &["ab"], &["b", "a"]] {
            assert!(matches!(FinishedTraining::new(others, Some(&opening)), Err(EvaluationError::OpenedBefore { .. })));
        }
        assert_eq!(FinishedTraining::new(&[""; 0], None).unwrap_err(), EvaluationError::NothingTrained);
    }
}
