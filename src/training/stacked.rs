//! The meta-models of a run, and the choice of the model that answers.

use crate::{
    artifact::{
        RunFailure,
        layout::{Answer, stack_file},
    },
    config::{AnswerSetting, RunConfig},
    data::Probabilities,
    evaluation,
    progress::Progress,
    stacking::{self, MetaModel, Metafeatures, Stack, StackingError},
    storage::RunDirectory,
};

/// Meta-models, their cross-fitted predictions for the digits held out, and the choice of the answering model.
#[derive(Default)]
pub(super) struct Stacked {
    /// The meta-models; none for a single member.
    pub(super) stacks: Vec<Stack>,
    /// Cross-fitted predictions of each.
    pub(super) rows: Vec<Probabilities>,
    /// The answering model; none for a single member.
    pub(super) answer: Option<Answer>,
    /// Predictions of a pool of the members, by which labels are doubted; none for a single member.
    pub(super) pooled: Option<Probabilities>,
}

impl Stacked {
    /// Fits every meta-model on the members' out-of-fold predictions, saves them, and chooses the answering model.
    /// `fold_of`: the fold of each digit. Members that predict no probabilities are named and left out.
    ///
    /// # Errors
    /// If no member is left, or a file cannot be written.
    pub(super) fn fit(
        config: &RunConfig,
        fold_of: &[u16],
        rows: &mut [Probabilities],
        labels: &[u8],
        directory: &RunDirectory,
        progress: &dyn Progress,
    ) -> Result<Self, RunFailure> {
        let stacking = &config.experiment.stacking;
        let names = config.experiment.member_names();
        let left_out = replace_invalid_rows(rows, &names, "out of fold", progress);
        for &member in &left_out {
            progress.message(&format!("warning: the stack goes on without {}", names[member]));
        }
        let features = Metafeatures::new(rows, stacking.features)?.without(&left_out)?;
        let mut stacked = Self::default();
        for meta in &stacking.meta {
            stacked.rows.push(stacking::cross_fit(meta, &features, labels, fold_of)?);
            let stack = Stack::fit(meta, &features, labels, names.clone())?;
            if let MetaModel::Logistic(model) = stack.meta()
                && let Some(c) = model.stronger_c()
            {
                progress.message(&format!("{}: fitted with c = {c:e}; there was no minimum at its own c", meta.name()));
            }
            directory.write_json(&stack_file(meta.name()), &stack)?;
            stacked.stacks.push(stack);
        }
        let stack = (stacking.meta[0].name(), &stacked.rows[0]);
        let kept: Vec<&Probabilities> =
            rows.iter().enumerate().filter(|(member, _)| !left_out.contains(member)).map(|(_, rows)| rows).collect();
        stacked.pooled = Some(stacking::pooled(&kept, labels, fold_of)?);
        stacked.answer = Some(choose(stacking.answer, stack, (&names, rows), &left_out, labels)?);
        Ok(stacked)
    }

    /// The answering model's predictions, of these members' and the meta-models'.
    pub(super) fn answering_rows<'a>(&'a self, names: &[String], rows: &'a [Probabilities]) -> &'a Probabilities {
        let is_answer = |name: &String| self.answer.as_ref().is_some_and(|answer| answer.model == *name);
        names.iter().position(is_answer).map_or(&self.rows[0], |member| &rows[member])
    }

    /// Names of the members that the stack does without.
    pub(super) fn left_out(&self) -> &[String] {
        self.stacks.first().map_or(&[], Stack::left_out)
    }
}

/// Replaces rows that are no probabilities, as those of a net whose numbers overflow, by equal probabilities, and says
/// so. `what`: the images in words. Returns the indices of the members that had any.
pub(super) fn replace_invalid_rows(
    rows: &mut [Probabilities],
    names: &[String],
    what: &str,
    progress: &dyn Progress,
) -> Vec<usize> {
    let mut found = Vec::new();
    for (member, (rows, name)) in rows.iter_mut().zip(names).enumerate() {
        let replaced = stacking::replace_invalid_rows(rows);
        if replaced > 0 {
            let images = rows.len();
            progress.message(&format!(
                "warning: {name} predicts no probabilities for {replaced} of {images} images ({what}), as if its numbers \
                 overflow; train it with gentler settings, such as a lower learning rate"
            ));
            found.push(member);
        }
    }
    found
}

/// Chooses the answering model out of fold: the stack, unless the setting allows another and a member that is not left
/// out is better.
fn choose(
    setting: AnswerSetting,
    (stack, stack_rows): (&str, &Probabilities),
    (names, rows): (&[String], &[Probabilities]),
    left_out: &[usize],
    labels: &[u8],
) -> Result<Answer, RunFailure> {
    let accuracy = |rows: &Probabilities| Ok::<_, RunFailure>(evaluation::score(rows, labels)?.accuracy.value);
    let accuracies = rows.iter().map(accuracy).collect::<Result<Vec<f64>, _>>()?;
    // The first of equals.
    let candidates = (0..names.len()).filter(|member| !left_out.contains(member));
    let best = candidates.max_by(|&a, &b| accuracies[a].total_cmp(&accuracies[b]).then(b.cmp(&a)));
    let best = best.ok_or(StackingError::NoMembers)?;
    let out_of_fold = evaluation::compare(stack_rows, &rows[best], labels)?;
    let member_is_better = out_of_fold.only_second > out_of_fold.only_first;
    let model = match setting {
        AnswerSetting::Best if member_is_better => &names[best],
        AnswerSetting::Best | AnswerSetting::Stack => stack,
    };
    Ok(Answer {
        model: model.to_owned(),
        setting,
        stack: stack.to_owned(),
        best_member: names[best].clone(),
        out_of_fold,
        accuracies: [accuracy(stack_rows)?, accuracies[best]],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn row(digit: usize) -> [f32; 10] {
        std::array::from_fn(|class| if class == digit { 0.91 } else { 0.01 })
    }

    /// Rows for ten images with the labels 0 to 9, of which the first `right` are right.
    fn rows(right: usize) -> Probabilities {
        (0..10).map(|label| row(if label < right { label } else { (label + 1) % 10 })).collect()
    }

    #[test]
    fn the_best_member_answers_only_if_it_is_better_and_the_setting_allows_it() {
        let labels: Vec<u8> = (0..10).collect();
        let names = ["a", "b", "c"].map(str::to_owned);
        let members = [rows(6), rows(8), rows(8)];
        let choose =
            |setting, stack: usize| choose(setting, ("logistic", &rows(stack)), (&names, &members), &[], &labels);
        let better = choose(AnswerSetting::Best, 7).unwrap();
        assert_eq!((better.model.as_str(), better.best_member.as_str(), better.accuracies), ("b", "b", [0.7, 0.8]));
        let warning = better.warning().unwrap();
        assert!(warning.contains("b (80.00 %) is better than the stack logistic (70.00 %): b answers"), "{warning}");
        let insisting = choose(AnswerSetting::Stack, 7).unwrap();
        assert_eq!(insisting.model, "logistic");
        assert!(insisting.warning().unwrap().contains("answers all the same"));
        for stack in [8, 9] {
            let answer = choose(AnswerSetting::Best, stack).unwrap();
            assert_eq!((answer.model.as_str(), answer.warning()), ("logistic", None), "equal ones: the stack");
        }
        let stack = ("logistic", &rows(7));
        let without = super::choose(AnswerSetting::Best, stack, (&names, &members), &[1, 2], &labels).unwrap();
        assert_eq!((without.model.as_str(), without.best_member.as_str()), ("logistic", "a"));
    }

    #[test]
    fn members_without_probabilities_are_found() {
        let mut members = [rows(10), rows(10), rows(10)];
        members[1][3] = [f32::NAN; 10];
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(replace_invalid_rows(&mut members, &names, "out of fold", &Silent), [1]);
        assert_eq!(members[1][3], [0.1; 10]);
        assert_eq!(replace_invalid_rows(&mut members, &names, "out of fold", &Silent), [0; 0]);
    }
}
