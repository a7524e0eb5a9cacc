//! Scores of the trials of a stage, and the axes for them.

use crate::{
    report::{format, scale::Scale},
    tuning::{Score, StageOutcome, TrialOutcome, TrialState},
};

/// Maximum number of settings that are written out.
const MAX_WRITTEN: usize = 3;
/// Minimum ratio to the median error above which a trial may lie beyond the axis.
pub(super) const FAR: f64 = 4.0;

/// A trial that has a score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scored<'a> {
    /// Index among the stage's trials.
    pub(super) index: usize,
    pub(super) score: f64,
    pub(super) trial: &'a TrialOutcome,
}

impl Scored<'_> {
    /// The score minus one standard error, the score, the score plus one standard error.
    pub(super) fn interval(&self) -> [f64; 3] {
        let error = self.trial.standard_error.unwrap_or(0.0);
        [self.score - error, self.score, self.score + error]
    }
}

/// Trials with a score, in their order, including pruned ones.
pub(super) fn scored(stage: &StageOutcome) -> impl Iterator<Item = Scored<'_>> {
    let trials = stage.trials.iter().enumerate().filter(|(_, trial)| trial.state != TrialState::Failed);
    trials.filter_map(|(index, trial)| Some(Scored { index, score: trial.score?, trial }))
}

/// Trials that were not pruned and have a score.
pub(super) fn complete(stage: &StageOutcome) -> impl Iterator<Item = Scored<'_>> {
    scored(stage).filter(|scored| scored.trial.state == TrialState::Complete)
}

/// Settings of a trial in words; `None` for more than [`MAX_WRITTEN`].
pub(super) fn settings(stage: &StageOutcome, trial: &TrialOutcome) -> Option<String> {
    let value = |(parameter, value)| format::setting(parameter, value);
    let mut pairs = stage.parameters.iter().zip(trial.values.iter().copied());
    match stage.parameters.len() {
        0 => None,
        1 => pairs.next().map(value),
        2..=MAX_WRITTEN => Some(
            pairs
                .map(|(parameter, set)| format!("{} {}", parameter.label, value((parameter, set))))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        _ => None,
    }
}

/// Settings and score of the chosen trial in words, in three lengths from the longest to the shortest.
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

/// The best score minus its standard error, if a trial other than the best was chosen.
pub(super) fn threshold(stage: &StageOutcome) -> Option<f64> {
    let best = complete(stage).reduce(|best, other| if other.score > best.score { other } else { best })?;
    let selected = stage.trials.get(stage.selected?)?.score?;
    (selected < best.score).then_some(best.score - best.trial.standard_error?)
}

/// Label of the axis of a score.
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

/// An axis for `values`. Scores whose error is more than about `far` times the median lie beyond its lower end;
/// otherwise a single trial that learned nothing would take most of the axis.
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

/// Highest possible score.
pub(super) fn perfect(score: Score) -> f64 {
    match score {
        Score::Accuracy => 1.0,
        Score::LogLoss => 0.0,
    }
}

/// Largest error on the axis. It grows with the ratio of the median to the smallest error, so that learning curves are
/// shown completely.
fn limit(mut errors: Vec<f64>, far: f64) -> f64 {
    errors.retain(|error| *error > 0.0);
    errors.sort_by(f64::total_cmp);
    let Some((best, median)) = errors.first().zip(errors.get(errors.len() / 2)) else { return f64::INFINITY };
    let spread = median / best;
    median * (1.25 * spread.powi(4)).max(far)
}

/// An axis for the values of a numeric setting, with a margin at both ends.
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
    // The margin of positive values stays above 0.
    let below = if low > 0.0 { room.min(0.5 * low) } else { room };
    let scale = if values.iter().all(|value| value.fract() == 0.0) { Scale::whole } else { Scale::linear };
    scale(low - below, high + room)
}

/// Description for screen readers: the number of trials and the chosen one.
pub(super) fn description(stage: &StageOutcome) -> String {
    let chosen = chosen_in_words(stage)
        .map_or_else(|| "No trial is chosen yet".to_owned(), |[chosen, ..]| format!("Chosen: {chosen}"));
    let trials = stage.trials.len();
    format!("{trials} trial{}. {chosen}.", if trials == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlying_errors_do_not_extend_the_axis() {
        assert!(limit(vec![0.02, 0.018, 0.9, 0.025, 0.019], FAR) < 0.1);
        assert!(limit(vec![0.3, 0.1, 0.05, 0.03, 0.02, 0.019], FAR) > 0.3, "a learning curve is shown completely");
        assert_eq!(limit(vec![0.0], FAR), f64::INFINITY);
    }

    #[test]
    fn axes_of_settings_have_margins_even_for_a_single_value() {
        for (values, log) in
            [(&[3.0][..], false), (&[0.001], true), (&[0.0, 10.0], true), (&[], false), (&[-4.0, -2.5], false)]
        {
            let scale = number_scale(values, log);
            for value in values {
                assert!((0.02..=0.98).contains(&scale.position(*value)), "{value} of {values:?}");
            }
        }
    }
}
