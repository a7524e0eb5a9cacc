//! The stack: a fitted meta-model with the names of its members, saved and loaded as JSON.

use serde::{Deserialize, Serialize};

use super::{
    error::StackingError,
    meta::{MetaConfig, MetaModel},
    metafeatures::Metafeatures,
    scale::FeatureScale,
};
use crate::data::{CLASSES, Probabilities};

/// Fitted meta-model and the names of its members, in the order of their features.
///
/// It is saved as JSON by serde; numbers round-trip bit for bit. Reading checks everything that a prediction relies on
/// (dimensions, finite numbers, a tree without cycles), so that an edited file gives an error and no panic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedStack")]
pub struct Stack {
    format: Format,
    member_names: Vec<String>,
    /// Names of the members that the meta-model does without.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
    meta: MetaModel,
}

/// Format of the file and its version.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "digitstack stack 1")]
    Version1,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedStack {
    format: Format,
    member_names: Vec<String>,
    #[serde(default)]
    left_out: Vec<String>,
    meta: MetaModel,
}

impl TryFrom<SavedStack> for Stack {
    type Error = StackingError;

    fn try_from(saved: SavedStack) -> Result<Self, StackingError> {
        saved.meta.validate().map_err(|problem| StackingError::Saved(format!("meta: {problem}")))?;
        check_names(&saved.member_names, saved.meta.members())?;
        if let Some(name) = saved.left_out.iter().find(|name| !saved.member_names.contains(name)) {
            return Err(StackingError::MemberNames(format!("`{name}` is left out, but is no member")));
        }
        let SavedStack { format, member_names, left_out, meta } = saved;
        Ok(Self { format, member_names, left_out, meta })
    }
}

impl Stack {
    /// Fits a meta-model to the members' out-of-fold predictions.
    ///
    /// # Errors
    /// If there is not one unique name for each member, and those of [`MetaConfig::fit`].
    pub fn fit(
        config: &MetaConfig,
        features: &Metafeatures,
        labels: &[u8],
        member_names: Vec<String>,
    ) -> Result<Self, StackingError> {
        check_names(&member_names, features.members())?;
        let left_out = features.left_out().iter().map(|&member| member_names[member].clone()).collect();
        Ok(Self { format: Format::Version1, member_names, left_out, meta: config.fit(features, labels)? })
    }

    /// Compares the stack with what a configuration says of it: the members in their order, the kind of meta-model, and
    /// the scale of its features.
    ///
    /// # Errors
    /// What was found and what was expected, in words.
    pub fn check(&self, members: &[String], config: &MetaConfig, scale: FeatureScale) -> Result<(), String> {
        if self.member_names != members {
            let (found, expected) = (self.member_names.join(", "), members.join(", "));
            return Err(format!("member_names: found {found}, expected {expected}"));
        }
        if self.meta.name() != config.name() {
            return Err(format!("meta.kind: found `{}`, expected `{}`", self.meta.name(), config.name()));
        }
        self.meta.check_features(members.len(), scale).map_err(|error| format!("meta: {error}"))
    }

    /// Class probabilities `[n, 10]` from the members' predictions, in the order of [`Stack::member_names`].
    ///
    /// # Errors
    /// As [`MetaModel::predict_proba`].
    pub fn predict_proba(&self, features: &Metafeatures) -> Result<Probabilities, StackingError> {
        self.meta.predict_proba(features)
    }

    /// Class probabilities `[10]` of one image from the members' probabilities side by side, `[10 · members]`, in the
    /// order of [`Stack::member_names`]. Allocates nothing.
    ///
    /// # Panics
    /// As [`MetaModel::predict_one`].
    pub fn predict_one(&self, row: &[f32]) -> [f32; CLASSES] {
        self.meta.predict_one(row)
    }

    /// Names of the members.
    pub fn member_names(&self) -> &[String] {
        &self.member_names
    }

    /// Names of the members that the meta-model does without: their probabilities say nothing, or are none.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The meta-model.
    pub fn meta(&self) -> &MetaModel {
        &self.meta
    }

    /// Scale of the features that the meta-model was fitted on; none if it takes either.
    pub fn scale(&self) -> Option<FeatureScale> {
        self.meta.scale()
    }
}

fn check_names(names: &[String], members: usize) -> Result<(), StackingError> {
    if names.len() != members {
        return Err(StackingError::MemberNames(format!(
            "found {} names for {members} members, expected one for each",
            names.len()
        )));
    }
    match names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
        Some((_, name)) => Err(StackingError::MemberNames(format!("the name `{name}` is there twice"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stacking::MeanConfig;

    #[test]
    fn a_stack_of_other_members_or_another_kind_is_told_from_its_configuration() {
        let rows: Probabilities = vec![[0.1; CLASSES]; 4];
        let features = Metafeatures::new(&[rows.clone(), rows], FeatureScale::default()).unwrap();
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let mean = MetaConfig::Mean(MeanConfig::default());
        let stack = Stack::fit(&mean, &features, &[0, 1, 2, 3], names(["cnn", "dense"])).unwrap();
        let check =
            |members: [&str; 2], config: &MetaConfig| stack.check(&names(members), config, FeatureScale::default());
        assert_eq!(check(["cnn", "dense"], &mean), Ok(()));
        assert!(check(["dense", "cnn"], &mean).unwrap_err().contains("found cnn, dense, expected dense, cnn"));
        assert!(
            check(["cnn", "dense"], &MetaConfig::default()).unwrap_err().contains("found `mean`, expected `logistic`")
        );
    }
}
