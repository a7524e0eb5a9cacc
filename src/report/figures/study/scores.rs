//! The trials of a stage by their scores, and the axes that they lie on.

use crate::{
    report::{format, scale::Scale},
    tuning::{Score, StageOutcome, TrialOutcome, TrialState},
};

/// Most parameters that are written beside a mark.
const NAMED: usize = 3;
/// How many times worse than the median an error may at least be without lying beyond the axis.
pub(super) const FAR: f64 = 4.0;

/// A trial that has a score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scored<'a> {
    /// Place among the stage's trials.
    pub(super) place: usize,
    pub(super) score: f64,
    pub(super) trial: &'a TrialOutcome,
}

impl Scored<'_> {
    /// The score, and what lies a standard error below and above it.
    pub(super) fn interval(&self) -> [f64; 3] {
        let error = self.trial.standard_error.unwrap_or(0.0);
        [self.score - error, self.score, self.score + error]
    }
}

/// Trials with a score, pruned ones included, in their order.
pub(super) fn scored(stage: &StageOutcome) -> impl Iterator<Item = Scored<'_>> {
    let trials = stage.trials.iter().enumerate().filter(|(_, trial)| trial.state != TrialState::Failed);
    trials.filter_map(|(place, trial)| Some(Scored { place, score: trial.score?, trial }))
}

/// Trials that were scored to the end.
pub(super) fn complete(stage: &StageOutcome) -> impl Iterator<Item = Scored<'_>> {
    scored(stage).filter(|scored| scored.trial.state == TrialState::Complete)
}

/// What a trial set, in words; of many parameters nothing.
pub(super) fn settings(stage: &StageOutcome, trial: &TrialOutcome) -> Option<String> {
    let value = |(parameter, value)| format::setting(parameter, value);
    let mut pairs = stage.parameters.iter().zip(trial.values.iter().copied());
    match stage.parameters.len() {
        0 => None,
        1 => pairs.next().map(value),
        2..=NAMED => Some(
            pairs
                .map(|(parameter, set)| format!("{} {}", parameter.label, value((parameter, set))))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        _ => None,
    }
}

/// The chosen trial with its score, in words: first as exactly as can be, then shorter.
pub(super) fn chosen_in_words(stage: &StageOutcome) -> Option<[String; 3]> {
    let trial = stage.trials.get(stage.selected?)?;
    let score = format::score_and_error(stage.score, trial.score?, trial.standard_error);
    let bare = stage
        .parameters
        .iter()
        .zip(&trial.values)
        .map(|(parameter, value)| format::setting(parameter, *value))
        .collect::<Vec<_>>();
    let with = |words: Option<String>| words.map_or_else(|| score.clone(), |words| format!("{words}: {score}"));
    let bare = settings(stage, trial).is_some().then(|| bare.join(" · "));
    Some([with(settings(stage, trial)), with(bare), score.clone()])
}

/// One standard error below the best score, if a trial other than the best was chosen.
pub(super) fn threshold(stage: &StageOutcome) -> Option<f64> {
    let best = complete(stage).reduce(|best, other| if other.score > best.score { other } else { best })?;
    let selected = stage.trials.get(stage.selected?)?.score?;
    (selected < best.score).then_some(best.score - best.trial.standard_error?)
}

/// What a score's axis measures.
pub(super) fn label(score: Score) -> &'static str {
    match score {
        Score::Accuracy => "accuracy, %",
        Score::LogLoss => "log-loss, nats per image",
    }
}

/// An axis for a stage's scores with their standard errors.
pub(super) fn scale(stage: &StageOutcome) -> Scale {
    let intervals: Vec<f64> = scored(stage).flat_map(|scored| scored.interval()).collect();
    scale_around(stage, intervals, FAR)
}

/// An axis for `values`. What is `far` times worse than most trials lies beyond its lower end, as one trial that
/// learned nothing would otherwise take most of it.
pub(super) fn scale_around(stage: &StageOutcome, values: impl IntoIterator<Item = f64>, far: f64) -> Scale {
    let perfect = perfect(stage.score);
    let limit = perfect - limit(complete(stage).map(|scored| perfect - scored.score).collect(), far);
    let (near, beyond): (Vec<f64>, Vec<f64>) = values.into_iter().partition(|value| *value >= limit);
    scale_of(stage.score, if near.is_empty() { beyond } else { near })
}

/// An axis for all of `values`, spaced by the logarithm of the error or loss.
pub(super) fn scale_of(score: Score, values: impl IntoIterator<Item = f64>) -> Scale {
    match score {
        Score::Accuracy => Scale::accuracy(values),
        Score::LogLoss => Scale::loss(values),
    }
}

/// The highest score there can be.
pub(super) fn perfect(score: Score) -> f64 {
    match score {
        Score::Accuracy => 1.0,
        Score::LogLoss => 0.0,
    }
}

/// The largest error on the axis: the further the median is from the best, the further the worst may be from the
/// median.
fn limit(mut errors: Vec<f64>, far: f64) -> f64 {
    errors.retain(|error| *error > 0.0);
    errors.sort_by(f64::total_cmp);
    let Some((best, median)) = errors.first().zip(errors.get(errors.len() / 2)) else { return f64::INFINITY };
    let spread = median / best;
    median * (1.25 * spread.powi(4)).max(far)
}

/// An axis for numbers that were searched, with room at its ends.
pub(super) fn number_scale(values: &[f64], log: bool) -> Scale {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return Scale::linear(0.0, 1.0);
    }
    if let (true, Some(scale)) = (log && low > 0.0, Scale::log([low / 1.1, high * 1.1])) {
        return scale;
    }
    let room = if high > low { 0.05 * (high - low) } else { (0.05 * low.abs()).max(0.5) };
    // Positive numbers have no room below 0.
    let below = if low > 0.0 { room.min(0.5 * low) } else { room };
    let scale = if values.iter().all(|value| value.fract() == 0.0) { Scale::whole } else { Scale::linear };
    scale(low - below, high + room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_that_learned_nothing_does_not_take_the_axis() {
        assert!(limit(vec![0.02, 0.018, 0.9, 0.025, 0.019], FAR) < 0.1);
        assert!(limit(vec![0.3, 0.1, 0.05, 0.03, 0.02, 0.019], FAR) > 0.3, "a learning curve is whole");
        assert_eq!(limit(vec![0.0], FAR), f64::INFINITY);
    }

    #[test]
    fn axes_of_numbers_have_room_and_survive_a_single_value() {
        for (values, log) in
            [(&[3.0][..], false), (&[0.001], true), (&[0.0, 10.0], true), (&[], false), (&[-4.0, -2.5], false)]
        {
            let scale = number_scale(values, log);
            for value in values {
                assert!((0.02..=0.98).contains(&scale.place(*value)), "{value} of {values:?}");
            }
        }
    }
}
