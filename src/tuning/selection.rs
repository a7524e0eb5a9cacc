//! Selection of one trial of a stage.

use super::{outcome::TrialState, parameter::number, stage::SelectionRule, trial::Trial};

/// Returns the index of the selected trial; `None` if no trial succeeded or the rule selects none. `trials` are in the
/// order of their proposal.
pub(super) fn select(rule: SelectionRule, trials: &[Trial]) -> Option<usize> {
    let complete =
        || trials.iter().enumerate().filter(|(_, trial)| trial.state == TrialState::Complete && trial.score.is_some());
    let score = |trial: &Trial| trial.score.unwrap_or(f64::NEG_INFINITY);
    let best = complete().fold(None, |best: Option<(usize, f64)>, (index, trial)| match best {
        Some((_, least)) if score(trial) <= least => best,
        _ => Some((index, score(trial))),
    });
    let (best, highest) = best?;
    match rule {
        SelectionRule::None => None,
        SelectionRule::Best => Some(best),
        SelectionRule::OneStandardError => {
            let least = highest - trials[best].details.standard_error.unwrap_or(0.0);
            let simplest = complete().filter(|(_, trial)| score(trial) >= least).min_by(|(_, a), (_, b)| {
                let value = |trial: &Trial| trial.details.values.first().and_then(number).unwrap_or(f64::NAN);
                value(a).total_cmp(&value(b))
            });
            simplest.map(|(index, _)| index)
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
        assert_eq!(select(SelectionRule::Best, &trials), Some(1));
        assert_eq!(select(SelectionRule::OneStandardError, &trials), Some(2));
        assert_eq!(select(SelectionRule::None, &trials), None);
        assert_eq!(select(SelectionRule::Best, &[trial(1, Failed, 1.0)]), None);
        assert_eq!(
            select(SelectionRule::Best, &[trial(1, Complete, 0.5), trial(2, Complete, 0.5)]),
            Some(0),
            "the earlier of equals"
        );
    }
}
