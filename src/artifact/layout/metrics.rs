//! `metrics.json`.

use serde::{Deserialize, Serialize};

use crate::evaluation::{Comparison, ModelScores};

/// Scores of every model. Holds no times, so that equal runs have equal bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Name of the recommended model: the stack, or the only member.
    #[serde(rename = "stack")]
    pub recommended: String,
    /// Scores of the members, then of the meta-models.
    pub models: Vec<ModelScores>,
    /// The stack against the member that is best by its out-of-fold accuracy, on the test images; none for one member.
    pub stack_against_best_member: Option<BestMember>,
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
