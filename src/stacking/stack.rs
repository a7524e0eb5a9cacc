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
    meta: MetaModel,
}

impl TryFrom<SavedStack> for Stack {
    type Error = StackingError;

    fn try_from(saved: SavedStack) -> Result<Self, StackingError> {
        saved.meta.validate().map_err(|problem| StackingError::Saved(format!("meta: {problem}")))?;
        check_names(&saved.member_names, saved.meta.members())?;
        Ok(Self { format: saved.format, member_names: saved.member_names, meta: saved.meta })
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
        Ok(Self { format: Format::Version1, member_names, meta: config.fit(features, labels)? })
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
