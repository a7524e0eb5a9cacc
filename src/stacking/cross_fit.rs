//! Cross-fitting: out-of-fold predictions of a meta-model.

use super::{error::StackingError, meta::MetaConfig, metafeatures::Metafeatures, out_of_fold::assemble_out_of_fold};
use crate::data::Probabilities;

/// Out-of-fold predictions `[n, 10]` of a meta-model: for each fold it is fitted on the other folds' rows and predicts
/// this fold's.
///
/// `features` are the members' out-of-fold predictions and `fold_of` `[n]` the folds that these came from. With the
/// same folds, an image and its copies stay on one side here as well. One dependence remains: the members of the other
/// folds were trained on this fold's images, so that their predictions, on which the meta-model is fitted, depend
/// indirectly on these labels. That is the usual protocol; scores on the test set are free of it.
///
/// # Errors
/// If there are fewer than two folds, a fold has no image, the lengths differ, or a fit fails.
pub fn cross_fit(
    config: &MetaConfig,
    features: &Metafeatures,
    labels: &[u8],
    fold_of: &[u16],
) -> Result<Probabilities, StackingError> {
    features.check_labels(labels)?;
    if fold_of.len() != labels.len() {
        return Err(StackingError::Folds(format!(
            "found folds for {} images, expected {}",
            fold_of.len(),
            labels.len()
        )));
    }
    let folds = fold_of.iter().max().map_or(0, |&last| usize::from(last) + 1);
    if folds < 2 {
        return Err(StackingError::Folds(format!("found {folds} fold, expected at least 2")));
    }
    let mut parts = Vec::with_capacity(folds);
    for fold in 0..folds {
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (0..labels.len()).partition(|&image| usize::from(fold_of[image]) == fold);
        if inside.is_empty() {
            return Err(StackingError::Folds(format!("fold {fold} of {folds} has no image")));
        }
        let others: Vec<u8> = outside.iter().map(|&image| labels[image]).collect();
        let model = config.fit(&features.select(&outside), &others)?;
        let rows = model.predict_proba(&features.select(&inside))?;
        parts.push((inside, rows));
    }
    assemble_out_of_fold(labels.len(), &parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stacking::{FeatureScale, TreeConfig};

    #[test]
    fn folds_must_fit_the_images() {
        let features = Metafeatures::new(&[vec![[0.1; 10]; 4]], FeatureScale::default()).unwrap();
        let problem = |fold_of: &[u16]| match cross_fit(&MetaConfig::default(), &features, &[0, 1, 0, 1], fold_of) {
            Err(StackingError::Folds(problem)) => problem,
            other => panic!("{other:?}"),
        };
        assert_eq!(problem(&[0, 1]), "found folds for 2 images, expected 4");
        assert_eq!(problem(&[0; 4]), "found 1 fold, expected at least 2");
        assert_eq!(problem(&[0, 2, 0, 2]), "fold 1 of 3 has no image");
    }

    #[test]
    fn no_member_of_no_use_keeps_any_meta_model_from_its_fit() {
        let labels: Vec<u8> = (0..200).map(|image| (image * 7 % 10) as u8).collect();
        let fold_of: Vec<u16> = (0..200).map(|image| image % 4).collect();
        let good = labels.iter().map(|&label| {
            std::array::from_fn(|class| match class == usize::from(label) {
                true => 0.73,
                false => 0.03,
            })
        });
        let good: Probabilities = good.collect();
        let certain = |class: usize| vec![std::array::from_fn(|other| if other == class { 1.0 } else { 0.0 }); 200];
        let mut broken = vec![[f32::NAN; 10]; 200];
        assert_eq!(crate::stacking::replace_invalid_rows(&mut broken), 200);
        for scale in [FeatureScale::Probabilities, FeatureScale::LogProbabilities] {
            let members = [good.clone(), certain(3), vec![[0.1; 10]; 200], broken.clone()];
            let features = Metafeatures::new(&members, scale).unwrap().without(&[3]).unwrap();
            for config in MetaConfig::defaults() {
                let rows = cross_fit(&config, &features, &labels, &fold_of).unwrap();
                crate::evaluation::check_rows(&rows).unwrap();
                let right = rows
                    .iter()
                    .zip(&labels)
                    .filter(|(row, label)| crate::evaluation::top_class(row) == usize::from(**label));
                let least = if matches!(config.name(), "mean" | "tree") { 20 } else { 150 };
                assert!(right.count() >= least, "{} on {scale}", config.name());
            }
        }
    }

    #[test]
    fn a_fold_is_predicted_without_its_labels() {
        let rows = |flip: bool| std::array::from_fn(|class| if class == usize::from(flip) { 0.9 } else { 0.1 / 9.0 });
        let members: Probabilities = (0..40).map(|image| rows(image % 2 == 1)).collect();
        let features = Metafeatures::new(&[members], FeatureScale::default()).unwrap();
        let fold_of: Vec<u16> = (0..40).map(|image| u16::from(image >= 20)).collect();
        let labels: Vec<u8> = (0..40).map(|image| image % 2).collect();
        let mut changed = labels.clone();
        changed[..20].fill(7);
        let config = MetaConfig::Tree(TreeConfig { max_depth: 4, min_samples_leaf: 1 });
        let before = cross_fit(&config, &features, &labels, &fold_of).unwrap();
        let after = cross_fit(&config, &features, &changed, &fold_of).unwrap();
        assert_eq!(before[..20], after[..20], "the first fold's own labels do not matter to it");
        assert_ne!(before[20..], after[20..]);
    }
}
