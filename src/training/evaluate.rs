//! Scores of every model, the tables of answers and of probable label errors, and the pictures of the report.

use super::{doubts::Doubts, stacked::Stacked};
use crate::{
    artifact::{
        PictureSources, RunFailure, answers_csv, doubtful_csv,
        layout::{
            BestMember, DOUBTFUL, LabelErrors, METRICS, Metrics, PICTURES, PREDICTIONS, SavedDoubt, SourceScores,
        },
        select_pictures,
    },
    config::RunConfig,
    data::{Digits, Probabilities},
    evaluation::{self, EvaluationError, ModelKind, ModelScores, RiskCoverage, Scores},
    learners::{Classifier, Learner},
    stacking::Metafeatures,
    storage::RunDirectory,
    verdict::Temperature,
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
    /// Members' predictions for the sample.
    pub(super) train_rows: Vec<Probabilities>,
    /// Members' predictions for the test digits.
    pub(super) test_rows: Option<Vec<Probabilities>>,
    /// The meta-models with their cross-fitted predictions for the digits held out, and the answering model.
    pub(super) stacked: Stacked,
    /// Calibration of the answering model.
    pub(super) calibration: Temperature,
    /// Finished models of each member.
    pub(super) models: &'a [Vec<Box<dyn Classifier>>],
}

/// Predictions that answers are given by.
#[derive(Clone, Copy)]
struct Answers<'a> {
    /// The answering model's predictions for the digits held out.
    scored: &'a Probabilities,
    /// Its predictions for the test digits.
    test: Option<&'a Probabilities>,
}

impl Evidence<'_> {
    fn is_stack(&self) -> bool {
        !self.stacked.stacks.is_empty()
    }

    /// Predictions of each meta-model from the members' predictions; none without meta-models.
    fn stacked(&self, config: &RunConfig, members: &[Probabilities]) -> Result<Vec<Probabilities>, RunFailure> {
        if !self.is_stack() {
            return Ok(Vec::new());
        }
        let features = Metafeatures::new(members, config.experiment.stacking.features)?;
        Ok(self.stacked.stacks.iter().map(|stack| stack.predict_proba(&features)).collect::<Result<_, _>>()?)
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
        let is_hold_out = !self.is_stack();
        Ok(ModelScores {
            train: Some(score(train, self.sample)?),
            held_out: is_hold_out.then(|| held_out.clone()),
            out_of_fold: (!is_hold_out).then_some(held_out),
            test: test.zip(self.test).map(|(rows, test)| score(rows, test)).transpose()?,
            ..ModelScores::new(name, kind)
        })
    }
}

/// Scores every model; writes `metrics.json`, `predictions.csv`, `doubtful.csv` and the pictures of the report.
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
    let metas = &config.experiment.stacking.meta;
    for (index, (meta, scored)) in metas.iter().zip(&evidence.stacked.rows).enumerate() {
        let rows = [&train[index], scored];
        models.push(evidence.scores(meta.name(), meta.kind(), rows, test.as_ref().map(|rows| &rows[index]))?);
    }
    // Rows of all models in their order.
    let scored: Vec<&Probabilities> = evidence.scored_rows.iter().chain(&evidence.stacked.rows).collect();
    let on_test: Option<Vec<&Probabilities>> =
        test_rows.zip(test.as_ref()).map(|(members, metas)| members.iter().chain(metas).collect());
    let answer = evidence.stacked.answer.as_ref();
    let place = |name: &str| models.iter().position(|model| model.name == name).unwrap_or(0);
    let answering = answer.map_or(0, |answer| place(&answer.model));
    let answers = Answers { scored: scored[answering], test: on_test.as_ref().map(|rows| rows[answering]) };
    let against_best_member = match (answer, &on_test, evidence.test) {
        (Some(answer), Some(rows), Some(test)) => {
            let (stack, member) = (rows[place(&answer.stack)], rows[place(&answer.best_member)]);
            let comparison = evaluation::compare(stack, member, &test.labels)?;
            let stack_is_worse = comparison.first_is_worse();
            Some(BestMember { member: answer.best_member.clone(), comparison, stack_is_worse })
        }
        _ => None,
    };
    let (ranking, rows) = doubting_model(evidence, &models, &scored)?;
    let doubts = Doubts::find(evidence.scored, rows)?;
    directory.write_atomic(DOUBTFUL, doubtful_csv(&doubts.labels).as_bytes())?;
    let calibrated = calibrated(evidence, answers);
    write_answers(evidence, &calibrated, directory)?;
    let metrics = Metrics {
        recommended: models[answering].name.clone(),
        stack_against_best_member: against_best_member,
        answer: answer.cloned(),
        risk_coverage: Some(RiskCoverage::of(&calibrated.0, &evidence.scored.labels)),
        sources: by_source(evidence, answers)?,
        label_errors: Some(LabelErrors { model: ranking, listed: doubts.labels.len(), estimated: doubts.estimated }),
        left_out: evidence.stacked.left_out().to_vec(),
        models,
    };
    directory.write_json(METRICS, &metrics)?;
    let sources = picture_sources(evidence, answers, doubts.pictures);
    directory.write_json(PICTURES, &select_pictures(sources)?)?;
    Ok(metrics)
}

/// The model that labels are doubted by, with its predictions for the digits held out: the one with the lowest log-loss
/// there, of all models and the pool of the members. None of them learned from the digit that it predicts.
fn doubting_model<'a>(
    evidence: &'a Evidence,
    models: &[ModelScores],
    scored: &[&'a Probabilities],
) -> Result<(String, &'a Probabilities), RunFailure> {
    let loss = |model: &ModelScores| model.unseen().map_or(f64::INFINITY, |scores| scores.log_loss);
    let mut candidates: Vec<(f64, String, &Probabilities)> =
        models.iter().zip(scored).map(|(model, rows)| (loss(model), model.name.clone(), *rows)).collect();
    if let Some(rows) = &evidence.stacked.pooled {
        let log_loss = evaluation::score(rows, &evidence.scored.labels)?.log_loss;
        candidates.push((log_loss, "the log-linear pool of the members".to_owned(), rows));
    }
    let best = candidates.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let (_, name, rows) = best.ok_or(EvaluationError::NothingTrained)?;
    Ok((name, rows))
}

/// The answers' calibrated probabilities, for the digits held out and for the test digits.
fn calibrated(evidence: &Evidence, answers: Answers) -> (Probabilities, Option<Probabilities>) {
    let calibrate = |rows: &Probabilities| -> Probabilities {
        // A single member gives no verdict, and its probabilities are shown as they are.
        if !evidence.is_stack() {
            return rows.clone();
        }
        rows.iter().map(|row| evidence.calibration.apply(row)).collect()
    };
    (calibrate(answers.scored), answers.test.map(calibrate))
}

/// Writes `predictions.csv`.
fn write_answers(
    evidence: &Evidence,
    (scored, test): &(Probabilities, Option<Probabilities>),
    directory: &RunDirectory,
) -> Result<(), RunFailure> {
    let part = if evidence.is_stack() { "out-of-fold" } else { "held-out" };
    let mut parts = vec![(part, evidence.scored, scored.as_slice())];
    if let (Some(digits), Some(rows)) = (evidence.test, test) {
        parts.push(("test", digits, rows));
    }
    directory.write_atomic(PREDICTIONS, answers_csv(&parts).as_bytes())?;
    Ok(())
}

/// Scores of the answering model by source; none if there is only one.
fn by_source(evidence: &Evidence, answers: Answers) -> Result<Vec<SourceScores>, RunFailure> {
    let names = evidence.scored.origins.source_names();
    if names.len() < 2 {
        return Ok(Vec::new());
    }
    let scores = |name: &str, digits: &Digits, rows: &Probabilities| -> Result<Option<Scores>, RunFailure> {
        let names = digits.origins.source_names();
        let indices: Vec<usize> =
            (0..digits.len()).filter(|&index| names[digits.origins.source(index)] == name).collect();
        if indices.is_empty() {
            return Ok(None);
        }
        let labels: Vec<u8> = indices.iter().map(|&index| digits.labels[index]).collect();
        Ok(Some(evaluation::score(&indices.iter().map(|&index| rows[index]).collect::<Vec<_>>(), &labels)?))
    };
    let source = |name: &&str| {
        Ok(SourceScores {
            source: (*name).to_owned(),
            held_out: scores(name, evidence.scored, answers.scored)?,
            test: match evidence.test.zip(answers.test) {
                Some((test, rows)) => scores(name, test, rows)?,
                None => None,
            },
        })
    };
    names.iter().map(source).collect()
}

/// Sources of the pictures: the answering model's mistakes on the test images, or on the digits held out if there is
/// no test set.
fn picture_sources<'a>(evidence: &'a Evidence, answers: Answers<'a>, doubts: Vec<SavedDoubt>) -> PictureSources<'a> {
    let (digits, rows, member_rows) = match (evidence.test, answers.test, &evidence.test_rows) {
        (Some(test), Some(rows), Some(member_rows)) => (test, rows, member_rows),
        _ => (evidence.scored, answers.scored, &evidence.scored_rows),
    };
    let names = || evidence.members.iter().map(|member| member.name());
    PictureSources {
        train: evidence.train_digits,
        test_images: evidence.test.map(Digits::len),
        scored: (digits, rows),
        members: names().zip(member_rows).filter(|_| evidence.is_stack()).collect(),
        models: names()
            .zip(evidence.models)
            .filter_map(|(name, models)| Some((name, models.first()?.as_ref())))
            .collect(),
        doubts,
    }
}
