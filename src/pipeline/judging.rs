//! The judge of a run: fitted when it ends, kept beside its models.
//!
//! ```text
//! judge.json     temperature and least confidence
//! judge/guard/   the net that tells digits from everything else, and its bound; not there if the digits were too few
//! ```

use std::path::Path;

use super::RunFailure;
use crate::{
    data::{Digits, Probabilities},
    fit::FitContext,
    seed::Seed,
    storage::{self, RunDirectory},
    verdict::{Bounds, Guard, Judge, guard_learner},
};

/// The bounds.
const JUDGE: &str = "judge.json";
/// The guard's part.
const GUARD: &str = "judge/guard";
/// The guard's bound inside its part.
const BOUND: &str = "bound.json";

/// What a judge is made of.
pub(super) struct Judging {
    bounds: Bounds,
    guard: Option<Guard>,
}

/// Fits the judge, unless an earlier process of this run did. `original`: the training digits before they were rotated
/// and prepared; `rows`: the stack's, for images that it was not fitted on, with their labels.
pub(super) fn fit(
    original: &Digits,
    (rows, labels): (&Probabilities, &[u8]),
    seed: Seed,
    directory: &RunDirectory,
    work: &FitContext,
) -> Result<(), RunFailure> {
    if directory.part_if_complete(GUARD, work.progress)?.is_none() {
        let checkpoint = directory.scratch_file("guard")?;
        let context = work.seeded(seed.derive("guard")).labelled("guard").checkpointed(Some(&checkpoint));
        let guard = Guard::fit(original, &context)
            .map_err(|error| if error.is_cancelled() { RunFailure::Cancelled } else { error.into() });
        if let Some(guard) = guard? {
            let part = directory.begin_part(GUARD)?;
            guard.classifier.save(part.folder())?;
            part.write_json(BOUND, &guard.bound)?;
            part.commit()?;
        }
    }
    directory.write_json(JUDGE, &Bounds::fit(rows, labels)?)?;
    Ok(())
}

impl Judging {
    /// That of a verified run. One from before there were judges is given one that refuses blank images alone.
    pub(super) fn load(run: &Path, work: &FitContext) -> Result<Self, RunFailure> {
        let bounds = if run.join(JUDGE).exists() { storage::read_json(&run.join(JUDGE))? } else { Bounds::default() };
        let folder = run.join(GUARD);
        let guard = if folder.exists() {
            let classifier = guard_learner()?.load(&folder, work.device)?;
            Some(Guard { classifier, bound: storage::read_json(&folder.join(BOUND))? })
        } else {
            None
        };
        Ok(Self { bounds, guard })
    }

    /// A judge for one thread.
    pub(super) fn judge(&self) -> Result<Judge, RunFailure> {
        Ok(Judge::new(self.bounds.clone(), self.guard.as_ref())?)
    }
}
