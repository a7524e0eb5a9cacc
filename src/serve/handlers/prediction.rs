//! Response body of `/api/predict`.

use serde::Serialize;
use utoipa::ToSchema;

use super::super::{
    engine::{Prediction, Reading},
    run_summary::RunSummary,
    stages::Stages,
};
use crate::{
    data::CLASSES,
    evaluation::{self, ModelKind},
    verdict::{Advice, Refusal},
};

/// Digit, probabilities of every model and intermediate images.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct PredictionBody {
    /// Predicted digit; null if the picture is rejected for the reason in `refusal`.
    #[schema(minimum = 0, maximum = 9)]
    digit: Option<u8>,
    /// Calibrated probability of the most probable digit; null for a blank picture.
    #[schema(minimum = 0, maximum = 1)]
    confidence: Option<f32>,
    /// Second most probable digit; null together with `digit`.
    #[schema(minimum = 0, maximum = 9)]
    runner_up: Option<u8>,
    /// Calibrated probability of the second most probable digit.
    #[schema(minimum = 0, maximum = 1)]
    runner_up_confidence: Option<f32>,
    /// Reason for rejecting the picture.
    refusal: Option<RefusalBody>,
    /// Name of the model that the digit comes from: the stack.
    model: String,
    /// Its calibrated probabilities of the digits 0 to 9; null for a blank picture.
    probabilities: Option<[f32; CLASSES]>,
    /// Probabilities of every model: members, the stack, the ensembles. Empty for a blank picture.
    models: Vec<ModelBody>,
    /// Intermediate images, if requested by `stages=true`; null for a blank picture and for `pixels`.
    stages: Option<Stages>,
    /// Time for decoding, preprocessing and all models, time in the queue included.
    milliseconds: f64,
}

/// Reason for rejecting a picture.
#[derive(Debug, Serialize, ToSchema)]
struct RefusalBody {
    /// `blank`, `several-digits`, `scribble` or `unsure`.
    #[schema(value_type = String)]
    reason: Refusal,
    /// Explanation for people.
    message: &'static str,
    /// Digit that it would have been: given if `reason` is `unsure`, or `scribble` and the picture is nearly enough like
    /// a digit.
    #[schema(minimum = 0, maximum = 9)]
    guess: Option<u8>,
    /// The guess, and what would make a better drawing, in sentences for people; null if there is neither.
    advice: Option<String>,
}

/// Prediction of one model.
#[derive(Debug, Serialize, ToSchema)]
struct ModelBody {
    /// Name in the configuration of the run.
    name: String,
    /// `member`, `stack` or `ensemble`.
    #[schema(value_type = String)]
    kind: ModelKind,
    /// Most probable digit.
    #[schema(minimum = 0, maximum = 9)]
    digit: u8,
    /// Probabilities of the digits 0 to 9.
    probabilities: [f32; CLASSES],
}

impl PredictionBody {
    /// Response for a prediction of the models of `run`.
    pub(super) fn new(run: &RunSummary, prediction: Prediction) -> Self {
        let Prediction { reading, stages, seconds } = prediction;
        let milliseconds = seconds * 1e3;
        let model = run.recommended.clone();
        let Some(Reading { verdict, rows }) = reading else {
            return Self {
                digit: None,
                confidence: None,
                runner_up: None,
                runner_up_confidence: None,
                refusal: Some(RefusalBody::new(Refusal::Blank, Advice::default())),
                model,
                probabilities: None,
                models: Vec::new(),
                stages: None,
                milliseconds,
            };
        };
        let digit = verdict.answer.ok();
        let models = run.models.iter().zip(rows).map(|((name, kind), probabilities)| ModelBody {
            name: name.clone(),
            kind: *kind,
            digit: evaluation::rank(&probabilities).digit,
            probabilities,
        });
        Self {
            digit,
            confidence: Some(verdict.confidence),
            runner_up: digit.map(|_| verdict.runner_up),
            runner_up_confidence: digit.map(|_| verdict.runner_up_confidence),
            refusal: verdict.answer.err().map(|reason| RefusalBody::new(reason, verdict.advice.unwrap_or_default())),
            model,
            probabilities: Some(verdict.probabilities),
            models: models.collect(),
            stages,
            milliseconds,
        }
    }

    /// Reason for rejecting the picture.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusal.as_ref().map(|refusal| refusal.reason)
    }
}

impl RefusalBody {
    fn new(reason: Refusal, advice: Advice) -> Self {
        let sentences = Some(advice.sentences()).filter(|sentences| !sentences.is_empty());
        Self { reason, message: reason.message(), guess: advice.guess, advice: sentences }
    }
}
