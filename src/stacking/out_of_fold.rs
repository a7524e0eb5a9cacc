//! One table of predictions from those of all folds.

use super::error::StackingError;
use crate::data::{CLASSES, Probabilities};

/// Assembles the predictions of all folds into one table, `[n, 10]`. `parts` are pairs of image indices and the
/// probabilities for these images. Each image must be in exactly one part: an image that two folds predicted was
/// trained on by one of them.
///
/// # Errors
/// If a part's lengths differ, an image does not exist, is predicted twice, or not at all.
pub fn assemble_out_of_fold<I, P>(images: usize, parts: &[(I, P)]) -> Result<Probabilities, StackingError>
where
    I: AsRef<[usize]>,
    P: AsRef<[[f32; CLASSES]]>,
{
    let mut table: Vec<Option<[f32; CLASSES]>> = vec![None; images];
    for (part, (indices, rows)) in parts.iter().enumerate() {
        let (indices, rows) = (indices.as_ref(), rows.as_ref());
        if indices.len() != rows.len() {
            return Err(StackingError::PartLength { part, rows: rows.len(), indices: indices.len() });
        }
        for (&index, row) in indices.iter().zip(rows) {
            let entry = table.get_mut(index).ok_or(StackingError::NoSuchImage { part, index, images })?;
            if entry.replace(*row).is_some() {
                return Err(StackingError::PredictedTwice { index, part });
            }
        }
    }
    let missing = table.iter().filter(|row| row.is_none()).count();
    match table.iter().position(Option::is_none) {
        Some(index) => Err(StackingError::NotPredicted { index, missing }),
        None => Ok(table.into_iter().flatten().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_image_is_predicted_by_exactly_one_fold() {
        let row = |value: f32| [value; CLASSES];
        let even = (vec![0, 2], vec![row(0.0), row(2.0)]);
        let odd = (vec![3, 1], vec![row(3.0), row(1.0)]);
        let whole = assemble_out_of_fold(4, &[even.clone(), odd.clone()]).unwrap();
        assert_eq!(whole.iter().map(|row| row[0]).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0]);

        assert_eq!(
            assemble_out_of_fold(4, std::slice::from_ref(&even)),
            Err(StackingError::NotPredicted { index: 1, missing: 2 })
        );
        assert_eq!(
            assemble_out_of_fold(4, &[even.clone(), odd, even.clone()]),
            Err(StackingError::PredictedTwice { index: 0, part: 2 })
        );
        assert_eq!(assemble_out_of_fold(2, &[even]), Err(StackingError::NoSuchImage { part: 0, index: 2, images: 2 }));
        let short = (vec![0, 1], vec![row(0.0)]);
        assert_eq!(assemble_out_of_fold(2, &[short]), Err(StackingError::PartLength { part: 0, rows: 1, indices: 2 }));
    }
}
