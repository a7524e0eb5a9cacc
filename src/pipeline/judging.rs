//! The judge of a run: fitted when it ends, kept beside its models.
//!
//! ```text
//! judge.json     temperature and least confidence
//! judge/guard/   the net that tells digits from everything else, and its bound; not there if the digits were too few
//! ```

use std::path::Path;

use super::{RunFailure, Work};
use crate::{
    data::{Digits, Probabilities},
    seed::Seed,
    storage::{self, RunDirectory},
    verdict::{Judge, JudgeParameters, OutOfDistributionDetector, detector_learner},
};

/// The bounds.
const JUDGE: &str = "judge.json";
/// The guard's part.
const GUARD: &str = "judge/guard";
/// The guard's bound inside its part.
const BOUND: &str = "bound.json";

/// What a judge is made of.
pub(super) struct Judging {
    bounds: JudgeParameters,
    guard: Option<OutOfDistributionDetector>,
}

/// Fits the judge, unless an earlier process of this run did. `original`: the training digits before they were rotated
/// and prepared; `rows`: the stack's, for images that it was not fitted on, with their labels.
pub(super) fn fit(
    original: &Digits,
    (rows, labels): (&Probabilities, &[u8]),
    seed: Seed,
    directory: &RunDirectory,
    work: &Work,
) -> Result<(), RunFailure> {
    if directory.part_if_complete(GUARD, work.progress)?.is_none() {
        let checkpoint = directory.scratch_file("guard")?;
        let context = work.fit(seed.derive("guard"), "guard", &checkpoint);
        let guard = OutOfDistributionDetector::fit(original, &context)
            .map_err(|error| if error.is_cancelled() { RunFailure::Cancelled } else { error.into() });
        if let Some(guard) = guard? {
            let part = directory.begin_part(GUARD)?;
            guard.classifier.save(part.folder())?;
            part.write_json(BOUND, &guard.threshold)?;
            part.commit()?;
        }
    }
    directory.write_json(JUDGE, &JudgeParameters::fit(rows, labels)?)?;
    Ok(())
}

impl Judging {
    /// That of a verified run. One from before there were judges is given one that refuses blank images alone.
    pub(super) fn load(run: &Path, work: &Work) -> Result<Self, RunFailure> {
        let bounds =
            if run.join(JUDGE).exists() { storage::read_json(&run.join(JUDGE))? } else { JudgeParameters::default() };
        let folder = run.join(GUARD);
        let guard = if folder.exists() {
            let classifier = detector_learner()?.load(&folder, work.device)?;
            Some(OutOfDistributionDetector { classifier, threshold: storage::read_json(&folder.join(BOUND))? })
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
