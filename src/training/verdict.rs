//! Training of the verdict: calibration, least confidence and the out-of-distribution detector.

use crate::{
    artifact::{
        RunFailure,
        layout::{DETECTOR, DETECTOR_THRESHOLD, VERDICT},
    },
    data::{Digits, Probabilities},
    fit::FitContext,
    storage::RunDirectory,
    verdict::{JudgeParameters, OutOfDistributionDetector},
};

/// Fits the verdict's models in a directory, unless an earlier process did, and returns the calibration. `original`:
/// the training digits before copies were made and preprocessing; `rows`: the answering model's predictions for digits
/// that it was not fitted on, with their labels.
///
/// # Errors
/// If a fit fails or is cancelled, or a file cannot be written.
pub(super) fn fit(
    original: &Digits,
    (rows, labels): (&Probabilities, &[u8]),
    directory: &RunDirectory,
    context: &FitContext,
) -> Result<JudgeParameters, RunFailure> {
    if directory.part_if_complete(DETECTOR, context.progress)?.is_none() {
        let checkpoint = directory.scratch_file("detector")?;
        let context = context.seeded(context.seed.derive("guard")).labelled("detector").checkpointed(Some(&checkpoint));
        let detector =
            OutOfDistributionDetector::fit(original, &context).map_err(|error| match error.is_cancelled() {
                true => RunFailure::Cancelled,
                false => error.into(),
            })?;
        if let Some(detector) = detector {
            let part = directory.begin_part(DETECTOR)?;
            detector.classifier.save(part.folder())?;
            part.write_json(DETECTOR_THRESHOLD, &detector.threshold)?;
            part.commit()?;
        } else {
            context.progress.message(
                "too few training digits for a detector of what is no digit: scribbles and letters are answered, too",
            );
        }
    }
    let parameters = JudgeParameters::fit(rows, labels);
    directory.write_json(VERDICT, &parameters)?;
    Ok(parameters)
}
