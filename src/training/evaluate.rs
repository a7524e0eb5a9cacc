//! Scores of every model, and the pictures of the report.

use crate::{
    artifact::{
        PictureSources, RunFailure,
        layout::{BestMember, METRICS, Metrics, PICTURES},
        select_pictures,
    },
    config::RunConfig,
    data::{Digits, Probabilities},
    evaluation::{self, ModelKind, ModelScores, Scores},
    learners::{Classifier, Learner},
    stacking::{Metafeatures, Stack},
    storage::RunDirectory,
};

/// Digits and predictions that are scored. Rows are by member or by meta-model.
pub(super) struct Evidence<'a> {
    /// The members that were fitted.
    pub(super) members: Vec<&'a dyn Learner>,
    /// Preprocessed digits that models were trained on.
    pub(super) train_digits: &'a Digits,
    /// A sample of them, which the train column is measured on.
    pub(super) sample: &'a Digits,
    /// Digits that were held out: all of them out of fold, or those of a hold-out.
    pub(super) scored: &'a Digits,
    /// Test digits; none if there are none.
    pub(super) test: Option<&'a Digits>,
    /// Members' predictions for the digits held out, by models that did not see them.
    pub(super) scored_rows: Vec<Probabilities>,
    /// Meta-models' cross-fitted predictions for them.
    pub(super) stacked_rows: Vec<Probabilities>,
    /// Members' predictions for the sample.
    pub(super) train_rows: Vec<Probabilities>,
    /// Members' predictions for the test digits.
    pub(super) test_rows: Option<Vec<Probabilities>>,
    /// The meta-models; none for a single member.
    pub(super) stacks: Vec<Stack>,
    /// Finished models of each member.
    pub(super) models: &'a [Vec<Box<dyn Classifier>>],
}

impl Evidence<'_> {
    /// Predictions of each meta-model from the members' predictions; none without meta-models.
    fn stacked(&self, config: &RunConfig, members: &[Probabilities]) -> Result<Vec<Probabilities>, RunFailure> {
        if self.stacks.is_empty() {
            return Ok(Vec::new());
        }
        let features = Metafeatures::new(members, config.experiment.stacking.features)?;
        Ok(self.stacks.iter().map(|stack| stack.predict_proba(&features)).collect::<Result<_, _>>()?)
    }

    /// Scores of a model by its predictions for the sample, the digits held out and the test digits.
    fn scores(
        &self,
        name: &str,
        kind: ModelKind,
        [train, scored]: [&Probabilities; 2],
        test: Option<&Probabilities>,
    ) -> Result<ModelScores, RunFailure> {
        let score = |rows: &Probabilities, digits: &Digits| evaluation::score(rows, &digits.labels);
        let held_out: Scores = score(scored, self.scored)?;
        let is_hold_out = self.stacks.is_empty();
        Ok(ModelScores {
            train: Some(score(train, self.sample)?),
            held_out: is_hold_out.then(|| held_out.clone()),
            out_of_fold: (!is_hold_out).then_some(held_out),
            test: test.zip(self.test).map(|(rows, test)| score(rows, test)).transpose()?,
            ..ModelScores::new(name, kind)
        })
    }
}

/// Scores every model; writes `metrics.json` and the pictures of the report.
///
/// # Errors
/// If predictions do not fit their labels, or a file cannot be written.
pub(super) fn evaluate(
    config: &RunConfig,
    evidence: &Evidence,
    directory: &RunDirectory,
) -> Result<Metrics, RunFailure> {
    let test_rows = evidence.test_rows.as_ref();
    let mut models = Vec::new();
    for (index, member) in evidence.members.iter().enumerate() {
        let rows = [&evidence.train_rows[index], &evidence.scored_rows[index]];
        models.push(evidence.scores(member.name(), ModelKind::Member, rows, test_rows.map(|rows| &rows[index]))?);
    }
    let train = evidence.stacked(config, &evidence.train_rows)?;
    let test = test_rows.map(|rows| evidence.stacked(config, rows)).transpose()?;
    for (index, meta) in config.experiment.stacking.meta.iter().take(evidence.stacks.len()).enumerate() {
        let rows = [&train[index], &evidence.stacked_rows[index]];
        models.push(evidence.scores(meta.name(), meta.kind(), rows, test.as_ref().map(|rows| &rows[index]))?);
    }
    // The recommended model: the stack, or the only member.
    let (recommended, scored, on_test) = match evidence.stacks.is_empty() {
        false => {
            (config.experiment.stacking.meta[0].name(), &evidence.stacked_rows[0], test.as_ref().map(|rows| &rows[0]))
        }
        true => (evidence.members[0].name(), &evidence.scored_rows[0], test_rows.map(|rows| &rows[0])),
    };
    let metrics = Metrics {
        recommended: recommended.to_owned(),
        stack_against_best_member: match evidence.stacks.is_empty() {
            false => best_member(evidence, &models, on_test)?,
            true => None,
        },
        models,
    };
    directory.write_json(METRICS, &metrics)?;
    directory.write_json(PICTURES, &select_pictures(&picture_sources(evidence, scored, on_test))?)?;
    Ok(metrics)
}

/// Sources of the pictures: the recommended model's mistakes on the test images, or on the digits held out if there is
/// no test set.
fn picture_sources<'a>(
    evidence: &'a Evidence,
    scored: &'a Probabilities,
    on_test: Option<&'a Probabilities>,
) -> PictureSources<'a> {
    let (digits, rows, member_rows) = match (evidence.test, on_test, &evidence.test_rows) {
        (Some(test), Some(rows), Some(member_rows)) => (test, rows, member_rows),
        _ => (evidence.scored, scored, &evidence.scored_rows),
    };
    let names = || evidence.members.iter().map(|member| member.name());
    PictureSources {
        train: evidence.train_digits,
        test_images: evidence.test.map(Digits::len),
        scored: (digits, rows),
        members: names().zip(member_rows).filter(|_| !evidence.stacks.is_empty()).collect(),
        models: names()
            .zip(evidence.models)
            .filter_map(|(name, models)| Some((name, models.first()?.as_ref())))
            .collect(),
    }
}

/// Compares the stack with the member that is best out of fold (not on the test images: that would be selecting by
/// them).
fn best_member(
    evidence: &Evidence,
    models: &[ModelScores],
    stack: Option<&Probabilities>,
) -> Result<Option<BestMember>, RunFailure> {
    let (Some(stack), Some(rows), Some(test)) = (stack, &evidence.test_rows, evidence.test) else { return Ok(None) };
    let accuracy = |index: &usize| models[*index].out_of_fold.as_ref().map_or(0.0, |scores| scores.accuracy.value);
    let indices = 0..evidence.members.len();
    let Some(best) = indices.max_by(|a, b| accuracy(a).total_cmp(&accuracy(b)).then(b.cmp(a))) else {
        return Ok(None);
    };
    let comparison = evaluation::compare(stack, &rows[best], &test.labels)?;
    let stack_is_worse = comparison.first_is_worse();
    Ok(Some(BestMember { member: evidence.members[best].name().to_owned(), comparison, stack_is_worse }))
}
