//! Mean class probabilities of several models for many images, and the file that predictions are kept in.

use rayon::prelude::*;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{
    data::{CLASSES, Images, Probabilities},
    device::ChosenDevice,
    learners::{Classifier, LearnerError},
    progress::Task,
};

/// Images of a prediction batch. Fixed, so that results do not depend on the number of threads.
pub(super) const CHUNK: usize = 500;
/// Most pieces of a batch for each thread: one is in work while another waits.
pub(super) const CHUNKS_EACH: usize = 2;

/// Error in a file of predictions.
#[derive(Debug, thiserror::Error)]
pub enum PredictionsError {
    /// It is not safetensors.
    #[error("predictions: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    /// It holds something else.
    #[error("predictions: expected one f32 tensor `probabilities` of shape [n, 10]")]
    Shape,
}

/// Encodes `[n, 10]` probabilities as safetensors with one f32 tensor, `probabilities`.
///
/// # Errors
/// If safetensors refuses them.
pub fn encode_predictions(probabilities: &Probabilities) -> Result<Vec<u8>, PredictionsError> {
    let bytes: Vec<u8> = probabilities.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, vec![probabilities.len(), CLASSES], &bytes)?;
    Ok(safetensors::serialize([("probabilities", view)], None)?)
}

/// Decodes what [`encode_predictions`] wrote.
///
/// # Errors
/// If the bytes are damaged or hold something else.
pub fn decode_predictions(bytes: &[u8]) -> Result<Probabilities, PredictionsError> {
    let file = SafeTensors::deserialize(bytes)?;
    let tensor = file.tensor("probabilities")?;
    if tensor.dtype() != Dtype::F32 || tensor.shape().len() != 2 || tensor.shape()[1] != CLASSES {
        return Err(PredictionsError::Shape);
    }
    let (values, _) = tensor.data().as_chunks::<4>();
    let (rows, _) = values.as_chunks::<CLASSES>();
    Ok(rows.iter().map(|row| row.map(f32::from_le_bytes)).collect())
}

/// The mean of several models' rows for one image, summed in double precision.
#[derive(Clone, Default)]
pub(super) struct Mean {
    sums: [f64; CLASSES],
    rows: u32,
}

impl Mean {
    /// Adds a row.
    pub(super) fn add(&mut self, row: &[f32; CLASSES]) {
        for (sum, &value) in self.sums.iter_mut().zip(row) {
            *sum += f64::from(value);
        }
        self.rows += 1;
    }

    /// The mean of the rows so far.
    pub(super) fn row(&self) -> [f32; CLASSES] {
        self.sums.map(|sum| (sum / f64::from(self.rows)) as f32)
    }
}

/// The mean prediction of several models of one member, `[n, 10]`. Models on the CPU work on all cores, those on a GPU
/// one after another.
pub fn average(
    models: &[Box<dyn Classifier>],
    images: &Images,
    device: &ChosenDevice,
    task: &dyn Task,
) -> Result<Probabilities, LearnerError> {
    let chunk = |start: usize| -> Result<Probabilities, LearnerError> {
        let end = (start + CHUNK).min(images.len());
        let indices: Vec<usize> = (start..end).collect();
        let part = images.select(&indices);
        let mut means = vec![Mean::default(); part.len()];
        for model in models {
            for (mean, row) in means.iter_mut().zip(model.predict_proba(&part)?) {
                mean.add(&row);
            }
            task.advance(part.len() as u64);
        }
        Ok(means.iter().map(Mean::row).collect())
    };
    let starts: Vec<usize> = (0..images.len()).step_by(CHUNK).collect();
    let parts: Vec<Probabilities> = if device.is_cpu() {
        starts.into_par_iter().map(chunk).collect::<Result<_, _>>()?
    } else {
        starts.into_iter().map(chunk).collect::<Result<_, _>>()?
    };
    Ok(parts.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_predictions_reads_back_bit_by_bit() {
        let rows: Probabilities =
            (0..7).map(|row| std::array::from_fn(|class| (row * 10 + class) as f32 / 3.0)).collect();
        let bytes = encode_predictions(&rows).expect("encodes");
        assert_eq!(decode_predictions(&bytes).expect("decodes"), rows);
        for cut in 0..bytes.len() {
            assert!(decode_predictions(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
