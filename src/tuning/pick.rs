//! Which trial of a stage is chosen.

use super::{
    TrialState,
    stage::{Pick, smaller_first},
    trial::Trial,
};

/// The place of the chosen trial; none if none succeeded or none is to be chosen. `trials` are in the order of their
/// proposal.
pub(super) fn pick(rule: Pick, trials: &[Trial]) -> Option<usize> {
    let complete =
        || trials.iter().enumerate().filter(|(_, trial)| trial.state == TrialState::Complete && trial.score.is_some());
    let score = |trial: &Trial| trial.score.unwrap_or(f64::NEG_INFINITY);
    let best = complete().fold(None, |best: Option<(usize, f64)>, (place, trial)| match best {
        Some((_, least)) if score(trial) <= least => best,
        _ => Some((place, score(trial))),
    });
    let (best, highest) = best?;
    match rule {
        Pick::None => None,
        Pick::Best => Some(best),
        Pick::OneStandardError => {
            let least = highest - trials[best].details.standard_error.unwrap_or(0.0);
            let simplest = complete().filter(|(_, trial)| score(trial) >= least).min_by(|(_, a), (_, b)| {
                let value =
                    |trial: &Trial| trial.details.values.first().cloned().unwrap_or(toml::Value::Float(f64::NAN));
                smaller_first(&value(a), &value(b))
            });
            simplest.map(|(place, _)| place)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuning::trial::Details;

    fn trial(value: i64, state: TrialState, score: f64) -> Trial {
        let details = Details {
            values: vec![value.into()],
            order: 0,
            standard_error: Some(0.01),
            split_scores: Vec::new(),
            train_score: None,
            steps_run: 0,
            seconds: 0.0,
            elapsed: 0.0,
            error: None,
        };
        Trial { state, score: Some(score), steps: Vec::new(), details }
    }

    #[test]
    fn the_rules_choose_differently() {
        use TrialState::{Complete, Failed, Pruned};
        let trials = [
            trial(64, Complete, 0.985),
            trial(32, Complete, 0.99),
            trial(24, Complete, 0.981),
            trial(16, Complete, 0.97),
            trial(8, Pruned, 0.999),
        ];
        assert_eq!(pick(Pick::Best, &trials), Some(1));
        assert_eq!(pick(Pick::OneStandardError, &trials), Some(2));
        assert_eq!(pick(Pick::None, &trials), None);
        assert_eq!(pick(Pick::Best, &[trial(1, Failed, 1.0)]), None);
        assert_eq!(
            pick(Pick::Best, &[trial(1, Complete, 0.5), trial(2, Complete, 0.5)]),
            Some(0),
            "the earlier of equals"
        );
    }
}
