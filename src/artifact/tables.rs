//! Tables of a run for people: every answer with the file or row of its image, and the probable label errors.

use std::fmt::Write;

use crate::{
    data::{self, CLASSES, Digits},
    evaluation,
};

/// One row of `doubtful.csv`.
#[derive(Clone, Debug, PartialEq)]
pub struct DoubtfulLabel {
    /// File or row of the image.
    pub name: String,
    /// Its label.
    pub label: u8,
    /// The predicted digit.
    pub predicted: u8,
    /// Out-of-fold probability of the label.
    pub label_probability: f32,
}

/// Answers as a CSV table: `part,name,label,digit,confidence,second`. `parts`: the name of a part (`out-of-fold`,
/// `held-out`, `test`), its digits, and their probabilities `[n, 10]`, calibrated as answers are.
pub fn answers_csv(parts: &[(&str, &Digits, &[[f32; CLASSES]])]) -> String {
    let mut table = "part,name,label,digit,confidence,second\n".to_owned();
    for (part, digits, rows) in parts {
        for (index, row) in rows.iter().enumerate() {
            let answer = evaluation::rank(row);
            let (name, label) = (data::quoted(&digits.name(index)), digits.labels[index]);
            let (digit, confidence, second) = (answer.digit, answer.probability, answer.runner_up);
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{part},{name},{label},{digit},{confidence:.6},{second}");
        }
    }
    table
}

/// Probable label errors as a CSV table, in their order: `rank,name,label,predicted,probability`, the last being the
/// probability of the label.
pub fn doubtful_csv(labels: &[DoubtfulLabel]) -> String {
    let mut table = "rank,name,label,predicted,probability\n".to_owned();
    for (index, doubt) in labels.iter().enumerate() {
        let DoubtfulLabel { name, label, predicted, label_probability } = doubt;
        let _ = writeln!(table, "{},{},{label},{predicted},{label_probability:.3e}", index + 1, data::quoted(name));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Images, PIXELS};

    #[test]
    fn every_answer_has_the_name_of_its_image() {
        let digits = Digits::new(Images::from_images([[0; PIXELS], [9; PIXELS]]), vec![3, 4]);
        let row = |digit: usize| std::array::from_fn(|class| if class == digit { 0.91 } else { 0.01 });
        let table = answers_csv(&[("out-of-fold", &digits, &[row(3), row(1)]), ("test", &digits, &[row(0)])]);
        assert_eq!(
            table,
            "part,name,label,digit,confidence,second\nout-of-fold,image 0,3,3,0.910000,0\nout-of-fold,image \
             1,4,1,0.910000,0\ntest,image 0,3,0,0.910000,1\n"
        );
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        let doubt =
            |name: &str| DoubtfulLabel { name: name.into(), label: 1, predicted: 7, label_probability: 0.000123 };
        assert_eq!(
            doubtful_csv(&[doubt("1/a, b.png"), doubt("train.csv, row 3")]),
            "rank,name,label,predicted,probability\n1,\"1/a, b.png\",1,7,1.230e-4\n2,\"train.csv, row \
             3\",1,7,1.230e-4\n"
        );
    }
}
