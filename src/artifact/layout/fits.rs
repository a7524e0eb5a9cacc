//! The fits of a directory: their folders, names and seeds.

use super::ArtifactKind;
use crate::{artifact::RunFailure, config::RunConfig, seed::Seed};

/// A fit: one member on one part of the training digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Index of the member in the configuration.
    pub member: usize,
    /// The training digits that it uses.
    pub part: TrainingPart,
}

/// Training digits that a fit uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingPart {
    /// All but those of this fold, counted from 0.
    WithoutFold(usize),
    /// All of them.
    All,
    /// All but the hold-out of a single member.
    WithoutHoldOut,
}

impl Fit {
    /// Folder of the fit in its directory: `models/cnn/fold-1`.
    pub fn folder(self, config: &RunConfig) -> String {
        format!("models/{}", self.name(config))
    }

    /// Name of its model: `cnn/fold-1`, `cnn/all`, `cnn/hold-out`.
    pub fn name(self, config: &RunConfig) -> String {
        format!("{}/{}", self.member_name(config), self.part.name())
    }

    /// Name for people: `cnn, fold 1`, `cnn, all`, `cnn`.
    pub fn label(self, config: &RunConfig) -> String {
        let name = self.member_name(config);
        match self.part {
            TrainingPart::WithoutFold(fold) => format!("{name}, fold {}", fold + 1),
            TrainingPart::All => format!("{name}, all"),
            TrainingPart::WithoutHoldOut => name.to_owned(),
        }
    }

    /// Seed from which everything random about the fit is derived.
    pub fn seed(self, config: &RunConfig) -> Seed {
        let (seed, name) = (Seed(config.experiment.seed), self.member_name(config));
        match self.part {
            TrainingPart::WithoutHoldOut => seed.derive("single").derive(name),
            part => seed.derive("fit").derive(name).derive(&part.name()),
        }
    }

    fn member_name(self, config: &RunConfig) -> &str {
        config.experiment.members[self.member].name()
    }
}

impl TrainingPart {
    fn name(self) -> String {
        match self {
            Self::WithoutFold(fold) => format!("fold-{}", fold + 1),
            Self::All => "all".to_owned(),
            Self::WithoutHoldOut => "hold-out".to_owned(),
        }
    }
}

/// Every fit of a directory of this kind and configuration; none for a search.
///
/// # Errors
/// [`RunFailure::UnknownMember`] if the kind names a member that the configuration lacks.
pub fn fits(kind: &ArtifactKind, config: &RunConfig) -> Result<Vec<Fit>, RunFailure> {
    match kind {
        ArtifactKind::Stack {} => {
            let folds = (0..config.experiment.stacking.folds).map(TrainingPart::WithoutFold);
            let parts: Vec<_> = folds.chain(config.refits().then_some(TrainingPart::All)).collect();
            let members = 0..config.experiment.members.len();
            Ok(members.flat_map(|member| parts.iter().map(move |&part| Fit { member, part })).collect())
        }
        ArtifactKind::Member { member: name, .. } => {
            let unknown = || RunFailure::UnknownMember {
                model: name.clone(),
                members: config.experiment.member_names().join(", "),
            };
            let member = config.experiment.member_index(name).ok_or_else(unknown)?;
            Ok(vec![Fit { member, part: TrainingPart::WithoutHoldOut }])
        }
        ArtifactKind::Search {} => Ok(Vec::new()),
    }
}

/// True if the finished models include this fit's: of members that were fitted again on all images, those alone.
pub fn is_final(fit: Fit, config: &RunConfig) -> bool {
    match fit.part {
        TrainingPart::WithoutFold(_) => !config.refits(),
        TrainingPart::All | TrainingPart::WithoutHoldOut => true,
    }
}
