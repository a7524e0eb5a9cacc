//! Operations in order → studies.

use super::{LoggedStudy, LoggedTrial, TrialState, operation::Operation};

/// The studies so far.
///
/// As in Optuna, an operation on a study or trial that is not there, or on a finished trial, does nothing: it comes
/// from a program that lost a race against another.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// By id; none where a study was deleted.
    pub(super) studies: Vec<Option<LoggedStudy>>,
    /// By id, over all studies: the study and the number within it.
    trials: Vec<(usize, usize)>,
}

impl Replay {
    /// Takes in one operation; the number of the trial if it is one that this program wrote.
    pub(super) fn apply(&mut self, operation: Operation) -> Option<u64> {
        match operation {
            Operation::CreateStudy { name, directions } => {
                if self.find(&name).is_none() {
                    self.studies.push(Some(LoggedStudy { name, directions, ..LoggedStudy::default() }));
                }
            }
            Operation::DeleteStudy { study } => {
                if let Some(place) = index(study).and_then(|id| self.studies.get_mut(id)) {
                    *place = None;
                }
            }
            Operation::SetStudyAttributes { study, attributes } => {
                if let Some(study) = index(study).and_then(|id| self.study_mut(id)) {
                    study.attributes.extend(attributes);
                }
            }
            Operation::CreateTrial { study, trial, ours } => {
                let id = index(study)?;
                let study = self.study_mut(id)?;
                let place = study.trials.len();
                study.trials.push(LoggedTrial { number: place as u64, ..*trial });
                self.trials.push((id, place));
                return ours.then_some(place as u64);
            }
            Operation::SetParameter { trial, name, parameter } => {
                let (id, place) = *self.trials.get(index(trial)?)?;
                let study = self.study_mut(id)?;
                let earlier = study.trials.iter().find_map(|trial| trial.parameters.get(&name));
                if earlier.is_none_or(|earlier| earlier.distribution.agrees_with(&parameter.distribution)) {
                    unfinished(study, place)?.parameters.insert(name, parameter);
                }
            }
            Operation::SetState { trial, state, values, started, finished } => {
                let trial = self.trial_mut(trial)?;
                if state == TrialState::Running && trial.state == TrialState::Running {
                    return None;
                }
                trial.state = state;
                trial.value = values.unwrap_or(trial.value);
                if state == TrialState::Running {
                    trial.started = started;
                }
                if state.is_finished() {
                    trial.finished = finished;
                }
            }
            Operation::SetStep { trial, step, value } => {
                self.trial_mut(trial)?.steps.insert(step, value);
            }
            Operation::SetTrialAttributes { trial, attributes } => self.trial_mut(trial)?.attributes.extend(attributes),
            Operation::Nothing => {}
        }
        None
    }

    /// The id of a study.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.studies.iter().position(|study| study.as_ref().is_some_and(|study| study.name == name))
    }

    fn study_mut(&mut self, id: usize) -> Option<&mut LoggedStudy> {
        self.studies.get_mut(id)?.as_mut()
    }

    /// A trial that may still change.
    fn trial_mut(&mut self, id: u64) -> Option<&mut LoggedTrial> {
        let (study, place) = *self.trials.get(index(id)?)?;
        unfinished(self.study_mut(study)?, place)
    }
}

fn index(id: u64) -> Option<usize> {
    usize::try_from(id).ok()
}

fn unfinished(study: &mut LoggedStudy, place: usize) -> Option<&mut LoggedTrial> {
    study.trials.get_mut(place).filter(|trial| !trial.state.is_finished())
}
