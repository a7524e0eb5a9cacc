//! Mean of the members' probabilities, plain or weighted.
//!
//! A stack must beat both: a plain mean has nothing to learn and so nothing to overfit, a weighted mean one number per
//! member.

use serde::{Deserialize, Serialize};

use super::{error::StackingError, metafeatures::Metafeatures};
use crate::{
    data::{CLASSES, FieldError},
    optimize::{Objective, minimise, softmax_in_place},
};

/// Settings of the plain mean; it has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MeanConfig {}

/// Plain mean of the members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mean {
    pub(super) members: usize,
    /// Indices of the members that do not count, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) left_out: Vec<usize>,
}

impl Mean {
    pub(super) fn of(features: &Metafeatures) -> Self {
        Self { members: features.members(), left_out: features.left_out().to_vec() }
    }

    /// Mean of the members' probabilities for one image, `[10 · members]`.
    pub(super) fn distribution(&self, row: &[f32]) -> [f64; CLASSES] {
        let weight = 1.0 / (self.members - self.left_out.len()) as f64;
        weighted(row, (0..self.members).map(|member| if self.left_out.contains(&member) { 0.0 } else { weight }))
    }

    pub(super) fn validate(&self) -> Result<(), String> {
        if self.members == 0 {
            return Err("members: found 0, expected at least 1".to_owned());
        }
        let ascending = self.left_out.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending || self.left_out.len() >= self.members || self.left_out.iter().any(|&out| out >= self.members) {
            let (found, members) = (&self.left_out, self.members);
            return Err(format!("left_out: found {found:?}, expected some of {members} members in ascending order"));
        }
        Ok(())
    }
}

/// Settings of the weighted mean.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WeightedMeanConfig {
    /// Weight of each member, in the members' order: at least 0, not all 0; only the ratios matter. If left out (the
    /// default), the weights with the smallest out-of-fold log-loss are fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<f64>>,
}

impl WeightedMeanConfig {
    /// Checks the settings for so many members.
    ///
    /// # Errors
    /// Names the first field that is out of range, what it holds and what is allowed.
    pub fn check(&self, members: usize) -> Result<(), FieldError> {
        let Some(weights) = &self.weights else {
            return Ok(());
        };
        if weights.len() != members {
            return Err(FieldError::new(
                "weights",
                format!("found {}, expected {members}, one for each member", weights.len()),
            ));
        }
        if let Some(index) = weights.iter().position(|weight| !(0.0..=1e6).contains(weight)) {
            return Err(FieldError::new(
                format!("weights[{index}]"),
                format!("found {}, expected 0 to 1e6", weights[index]),
            ));
        }
        if weights.iter().sum::<f64>() < 1e-6 {
            return Err(FieldError::new("weights", "all are 0, expected one above 0"));
        }
        Ok(())
    }

    pub(super) fn fit(&self, features: &Metafeatures, labels: &[u8]) -> Result<WeightedMean, StackingError> {
        self.check(features.members())?;
        let kept: Vec<usize> = (0..features.members()).filter(|member| !features.left_out().contains(member)).collect();
        let fitted = match &self.weights {
            Some(weights) => kept.iter().map(|&member| weights[member]).collect(),
            None => MixtureLoss::new(features, &kept, labels).weights(),
        };
        let sum: f64 = fitted.iter().sum();
        let mut weights = vec![0.0; features.members()];
        for (&member, weight) in kept.iter().zip(&fitted) {
            // Only members that are left out may have been given all the weight.
            weights[member] = if sum > 0.0 { weight / sum } else { 1.0 / kept.len() as f64 };
        }
        Ok(WeightedMean { weights })
    }
}

/// Steps of [`MixtureLoss::climb`].
const STEPS: usize = 2000;

/// Weighted mean of the members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedMean {
    weights: Vec<f64>,
}

impl WeightedMean {
    /// Weights of the members, which sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Weighted mean of the members' probabilities for one image, `[10 · members]`.
    pub(super) fn distribution(&self, row: &[f32]) -> [f64; CLASSES] {
        weighted(row, self.weights.iter().copied())
    }

    pub(super) fn validate(&self) -> Result<(), String> {
        if let Some(index) = self.weights.iter().position(|weight| !(0.0..=1.0).contains(weight)) {
            return Err(format!("weights[{index}]: found {}, expected 0 to 1", self.weights[index]));
        }
        let sum: f64 = self.weights.iter().sum();
        if (sum - 1.0).abs() > 1e-9 { Err(format!("weights: they sum to {sum}, expected 1")) } else { Ok(()) }
    }
}

fn weighted(row: &[f32], weights: impl Iterator<Item = f64>) -> [f64; CLASSES] {
    let mut mean = [0.0; CLASSES];
    for (member, weight) in row.as_chunks::<CLASSES>().0.iter().zip(weights) {
        for (sum, &probability) in mean.iter_mut().zip(member) {
            *sum += weight * f64::from(probability);
        }
    }
    mean
}

/// Mean of −ln Σ w p(label) over the images, with w = softmax of the parameters, so that any parameters give weights on
/// the simplex.
struct MixtureLoss {
    /// Probability of the label by each member, `[n, members]`, clipped below at 1e-15.
    of_label: Vec<f64>,
    members: usize,
}

impl MixtureLoss {
    /// Loss of the members with these indices.
    fn new(features: &Metafeatures, members: &[usize], labels: &[u8]) -> Self {
        let clipped = |(row, &label): (&[f32], &u8)| {
            let of_members = row.as_chunks::<CLASSES>().0;
            let of_label = |&member: &usize| f64::from(of_members[member][usize::from(label)]).max(1e-15);
            members.iter().map(of_label).collect::<Vec<_>>()
        };
        Self { of_label: features.rows().zip(labels).flat_map(clipped).collect(), members: members.len() }
    }

    /// Weights with the smallest loss; where the solver does not reach them, those after [`STEPS`] steps.
    fn weights(&self) -> Vec<f64> {
        match minimise("weighted mean", self, vec![0.0; self.members]) {
            Ok(mut weights) => {
                softmax_in_place(&mut weights, 1.0);
                weights
            }
            Err(_) => self.climb(),
        }
    }

    /// Weights after steps of expectation maximisation from equal ones: no step makes the loss greater.
    fn climb(&self) -> Vec<f64> {
        let mut weights = vec![1.0 / self.members as f64; self.members];
        let n = (self.of_label.len() / self.members) as f64;
        for _ in 0..STEPS {
            let (_, shares) = self.loss_and_shares(&weights);
            weights = shares.iter().map(|share| share / n).collect();
        }
        weights
    }

    /// Summed loss at these weights, and the part of each member in the probabilities of the labels, which sum to the
    /// number of images.
    fn loss_and_shares(&self, weights: &[f64]) -> (f64, Vec<f64>) {
        let mut loss = 0.0;
        let mut shares = vec![0.0; self.members];
        for image in self.of_label.chunks_exact(self.members) {
            let mixed: f64 = image.iter().zip(weights).map(|(probability, weight)| probability * weight).sum();
            loss -= mixed.ln();
            for ((share, probability), weight) in shares.iter_mut().zip(image).zip(weights) {
                *share += probability * weight / mixed;
            }
        }
        (loss, shares)
    }
}

impl Objective for MixtureLoss {
    fn evaluate(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let mut weights = at.to_vec();
        softmax_in_place(&mut weights, 1.0);
        let n = (self.of_label.len() / self.members) as f64;
        let (loss, shares) = self.loss_and_shares(&weights);
        (loss / n, shares.iter().zip(&weights).map(|(share, weight)| weight - share / n).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Probabilities, stacking::FeatureScale};
    use proptest::prelude::*;

    fn row(class: usize, top: f32) -> [f32; CLASSES] {
        std::array::from_fn(|index| if index == class { top } else { (1.0 - top) / 9.0 })
    }

    #[test]
    fn the_means_of_two_members() {
        let features =
            Metafeatures::new(&[vec![row(1, 1.0)], vec![row(2, 1.0)]], FeatureScale::LogProbabilities).unwrap();
        let plain = Mean { members: 2, left_out: vec![] }.distribution(features.row(0));
        assert_eq!((plain[1], plain[2]), (0.5, 0.5));
        let config = WeightedMeanConfig { weights: Some(vec![3.0, 1.0]) };
        let weighted = config.fit(&features, &[1]).unwrap().distribution(features.row(0));
        assert_eq!((weighted[1], weighted[2]), (0.75, 0.25));
    }

    #[test]
    fn a_member_that_is_always_better_gets_all_the_weight() {
        let features =
            Metafeatures::new(&[vec![row(1, 0.3); 20], vec![row(1, 0.9); 20]], FeatureScale::default()).unwrap();
        let fitted = WeightedMeanConfig::default().fit(&features, &[1; 20]).unwrap();
        assert!(fitted.weights()[1] > 0.999, "{:?}", fitted.weights());
        assert_eq!(fitted.validate(), Ok(()));
    }

    #[test]
    fn members_that_are_left_out_do_not_count() {
        let members = [vec![row(1, 0.5); 20], vec![row(2, 0.9); 20], vec![row(1, 0.9); 20]];
        let features = Metafeatures::new(&members, FeatureScale::default()).unwrap().without(&[1]).unwrap();
        let image: Vec<f32> = members.iter().flat_map(|rows| rows[0]).collect();
        let mean = Mean::of(&features);
        assert!((mean.distribution(&image)[1] - 0.7).abs() < 1e-6 && mean.validate() == Ok(()));
        let given = WeightedMeanConfig { weights: Some(vec![1.0, 5.0, 3.0]) }.fit(&features, &[1; 20]).unwrap();
        assert_eq!(given.weights(), [0.25, 0.0, 0.75]);
        let only_it = WeightedMeanConfig { weights: Some(vec![0.0, 5.0, 0.0]) }.fit(&features, &[1; 20]).unwrap();
        assert_eq!(only_it.weights(), [0.5, 0.0, 0.5]);
        let fitted = WeightedMeanConfig::default().fit(&features, &[1; 20]).unwrap();
        assert!(fitted.weights()[1] == 0.0 && fitted.weights()[2] > 0.99, "{fitted:?}");
    }

    #[test]
    fn steps_of_expectation_maximisation_lead_to_the_minimum() {
        let member = |tops: [f32; 2]| (0..40).map(|image| row(image % 10, tops[image % 2])).collect::<Probabilities>();
        let members = [member([0.9, 0.3]), member([0.3, 0.8])];
        let features = Metafeatures::new(&members, FeatureScale::default()).unwrap();
        let labels: Vec<u8> = (0..40).map(|image| image % 10).collect();
        let loss = MixtureLoss::new(&features, &[0, 1], &labels);
        let (climbed, solved) = (loss.climb(), loss.weights());
        assert!(climbed.iter().zip(&solved).all(|(a, b)| (a - b).abs() < 1e-5), "{climbed:?} {solved:?}");
    }

    #[test]
    fn impossible_weights_are_refused() {
        let field =
            |weights: &[f64]| WeightedMeanConfig { weights: Some(weights.to_vec()) }.check(2).unwrap_err().field;
        assert_eq!(field(&[1.0]), "weights");
        assert_eq!(field(&[1.0, -1.0]), "weights[1]");
        assert_eq!(field(&[f64::NAN, 1.0]), "weights[0]");
        assert_eq!(field(&[0.0, 0.0]), "weights");
        assert!(WeightedMean { weights: vec![0.5, 0.6] }.validate().is_err());
        assert!(WeightedMean { weights: vec![] }.validate().is_err());
        assert!(WeightedMean { weights: vec![f64::NAN] }.validate().is_err());
        assert!(Mean { members: 0, left_out: vec![] }.validate().is_err());
        for left_out in [vec![0, 1], vec![2], vec![1, 0]] {
            assert!(Mean { members: 2, left_out }.validate().is_err());
        }
    }

    proptest! {
        #[test]
        fn members_permuted_with_their_weights_change_nothing(
            tops in prop::collection::vec((0_usize..10, 0.2_f32..1.0), 3),
            weights in prop::collection::vec(0.1_f64..5.0, 3),
        ) {
            let rows: Vec<Probabilities> = tops.iter().map(|&(class, top)| vec![row(class, top)]).collect();
            let predict = |order: [usize; 3]| {
                let members: Vec<_> = order.iter().map(|&index| &rows[index]).collect();
                let features = Metafeatures::new(&members, FeatureScale::default()).unwrap();
                let config = WeightedMeanConfig { weights: Some(order.iter().map(|&index| weights[index]).collect()) };
                config.fit(&features, &[0]).unwrap().distribution(features.row(0))
            };
            let (one, other) = (predict([0, 1, 2]), predict([2, 0, 1]));
            prop_assert!(one.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-6));
            prop_assert!((one.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        }
    }
}
