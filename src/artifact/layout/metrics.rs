//! `metrics.json`.

use serde::{Deserialize, Serialize};

use crate::{
    config::AnswerSetting,
    evaluation::{Comparison, ModelScores, RiskCoverage, Scores},
};

/// Scores of every model. Holds no times, so that equal runs have equal bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Name of the answering model, whose answers count: the stack or its best member, or the only member.
    #[serde(rename = "stack")]
    pub recommended: String,
    /// Scores of the members, then of the meta-models.
    pub models: Vec<ModelScores>,
    /// The stack against the member that is best by its out-of-fold accuracy, on the test images; none for one member.
    pub stack_against_best_member: Option<BestMember>,
    /// The choice of the answering model; none for one member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Risk–coverage curve of the answering model on the digits held out (never on test images); the confidence is the
    /// one that answers come with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_coverage: Option<RiskCoverage>,
    /// Scores of the answering model by source of the digits; empty if there is only one source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceScores>,
    /// Probable label errors; `doubtful.csv` lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_errors: Option<LabelErrors>,
    /// Members that the stack does without, as they predict no probabilities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// Choice of the answering model, by out-of-fold predictions alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Name of the answering model.
    pub model: String,
    /// The setting `stacking.answer`.
    pub setting: AnswerSetting,
    /// Name of the stack.
    pub stack: String,
    /// Name of the member that is best out of fold.
    pub best_member: String,
    /// Stack first, best member second, on the digits held out.
    pub out_of_fold: Comparison,
    /// Out-of-fold accuracies of the stack and of the best member, 0 to 1.
    pub accuracies: [f64; 2],
}

impl Answer {
    /// Remark on the choice, in a sentence; none if the stack is at least as good as every member.
    pub fn warning(&self) -> Option<String> {
        let [stack, member] = self.accuracies.map(|accuracy| format!("{:.2} %", 100.0 * accuracy));
        if self.out_of_fold.only_second <= self.out_of_fold.only_first {
            return None;
        }
        let better =
            format!("out of fold {} ({member}) is better than the stack {} ({stack})", self.best_member, self.stack);
        Some(match self.setting {
            AnswerSetting::Best => format!("{better}: {} answers (stacking.answer = \"stack\" insists)", self.model),
            AnswerSetting::Stack => format!("{better}, which answers all the same, as stacking.answer = \"stack\""),
        })
    }
}

/// Scores of one model on the digits of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceScores {
    /// Name of the source.
    pub source: String,
    /// On its digits that were held out: out of fold, or of a hold-out; none if there are none.
    pub held_out: Option<Scores>,
    /// On its test digits; none if there are none.
    pub test: Option<Scores>,
}

/// Probable label errors among the digits held out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelErrors {
    /// Name of the model that they were ranked by: the one with the lowest log-loss on the digits held out, of all models
    /// and a pool of the members.
    pub model: String,
    /// Number of digits that are listed: those whose label is not the predicted digit.
    pub listed: usize,
    /// Estimated number of wrong labels among them, by confident learning.
    pub estimated: usize,
}

/// Comparison of the stack with a member on the same test images.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestMember {
    /// Name of the member.
    pub member: String,
    /// Stack first, member second.
    pub comparison: Comparison,
    /// True if the stack is worse and the 95 % interval of the difference excludes 0.
    pub stack_is_worse: bool,
}
