//! Replay: operations in order → studies.

use super::{
    logged_study::LoggedStudy,
    operation::{Entry, Operation},
    trial::{LoggedTrial, TrialState},
};

/// Studies after the operations so far.
///
/// As in Optuna, an operation on a study or trial that does not exist, or on a finished trial, has no effect: it comes
/// from a program that lost a race against another.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// Studies by id; `None` for a deleted one.
    pub(super) studies: Vec<Option<LoggedStudy>>,
    /// Trials by id, over all studies: the id of the study and the number within it.
    trials: Vec<(usize, usize)>,
}

impl Replay {
    /// Applies one operation; returns the number of the trial if it is one that this program recorded.
    pub(super) fn apply(&mut self, Entry { operation, ours }: Entry) -> Option<u64> {
        match operation {
            Operation::CreateStudy { name, directions } => {
                if self.find(&name).is_none() {
                    self.studies.push(Some(LoggedStudy { name, directions, ..LoggedStudy::default() }));
                }
            }
            Operation::DeleteStudy { study } => {
                if let Some(study) = to_index(study).and_then(|id| self.studies.get_mut(id)) {
                    *study = None;
                }
            }
            Operation::SetStudyAttributes { study, attributes } => {
                if let Some(study) = to_index(study).and_then(|id| self.study_mut(id)) {
                    if ours {
                        study.recorded.extend(attributes.clone());
                    }
                    study.attributes.extend(attributes);
                }
            }
            Operation::CreateTrial { study, trial } => {
                let id = to_index(study)?;
                let study = self.study_mut(id)?;
                let index = study.trials.len();
                study.trials.push(LoggedTrial { number: index as u64, ..*trial });
                self.trials.push((id, index));
                return ours.then_some(index as u64);
            }
            Operation::SetParameter { trial, name, parameter } => {
                let (id, index) = *self.trials.get(to_index(trial)?)?;
                let study = self.study_mut(id)?;
                let earlier = study.trials.iter().find_map(|trial| trial.parameters.get(&name));
                if earlier.is_none_or(|earlier| earlier.distribution.agrees_with(&parameter.distribution)) {
                    unfinished(study, index)?.parameters.insert(name, parameter);
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

    /// Returns the id of a study by its name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.studies.iter().position(|study| study.as_ref().is_some_and(|study| study.name == name))
    }

    fn study_mut(&mut self, id: usize) -> Option<&mut LoggedStudy> {
        self.studies.get_mut(id)?.as_mut()
    }

    /// Returns a trial that may still change.
    fn trial_mut(&mut self, id: u64) -> Option<&mut LoggedTrial> {
        let (study, index) = *self.trials.get(to_index(id)?)?;
        unfinished(self.study_mut(study)?, index)
    }
}

fn to_index(id: u64) -> Option<usize> {
    usize::try_from(id).ok()
}

/// Returns a trial of a study unless it is finished.
fn unfinished(study: &mut LoggedStudy, index: usize) -> Option<&mut LoggedTrial> {
    study.trials.get_mut(index).filter(|trial| !trial.state.is_finished())
}
