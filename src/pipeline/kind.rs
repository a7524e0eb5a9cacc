//! What a complete directory holds, by the names of its files.

use std::path::Path;

use super::{
    RunFailure,
    single::{MODEL, SINGLE},
};
use crate::storage::Manifest;

/// The folder of a run's models.
const MODELS: &str = "models";

/// What a complete directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole run.
    Run,
    /// One member, trained alone.
    Single,
    /// The same, from before such directories said which member it is.
    UnnamedSingle,
    /// A search, or nothing known.
    Other,
}

/// Looks at the names alone.
pub(super) fn of(manifest: &Manifest) -> Kind {
    let holds = |folder: &str| manifest.files().iter().any(|file| file.path.as_str().split('/').next() == Some(folder));
    if manifest.get(SINGLE).is_some() {
        Kind::Single
    } else if holds(MODELS) {
        Kind::Run
    } else if holds(MODEL) {
        Kind::UnnamedSingle
    } else {
        Kind::Other
    }
}

/// Refuses what is no whole run.
pub(super) fn expect_run(folder: &Path, manifest: &Manifest) -> Result<(), RunFailure> {
    let (holds, advice) = match of(manifest) {
        Kind::Run => return Ok(()),
        Kind::Single => (
            "a single model",
            "`digitstack predict` and `digitstack evaluate` take it; this needs what `digitstack run` leaves",
        ),
        Kind::UnnamedSingle => ("a single model", "this needs what `digitstack run` leaves"),
        Kind::Other => ("something else", "this needs what `digitstack run` leaves"),
    };
    Err(RunFailure::NotARun { directory: folder.to_owned(), holds, advice })
}
