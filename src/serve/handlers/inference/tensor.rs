//! Tensor of images in an inference request.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::super::problem::{Problem, shortened};
use crate::data::{PIXELS, SIDE};

/// Input tensor, its numbers in row-major order, nested or flat.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct InputTensor {
    /// `images`.
    name: String,
    /// `[n, 28, 28]`, `[n, 1, 28, 28]`, `[n, 28, 28, 1]` or `[n, 784]`.
    shape: Vec<u64>,
    /// `UINT8` or `FP32`.
    datatype: String,
    /// Levels: 0 to 255 for `UINT8`, 0 to 1 for `FP32`.
    #[schema(value_type = Vec<Value>)]
    data: Value,
}

/// Images of the only tensor.
///
/// # Errors
/// 400 naming the field that is wrong.
pub(super) fn images(inputs: &[InputTensor]) -> Result<Vec<[u8; PIXELS]>, Problem> {
    let [tensor] = inputs else {
        return Err(Problem::bad_request(format!("inputs: found {} tensors, expected one, `images`", inputs.len())));
    };
    if tensor.name != "images" {
        return Err(Problem::bad_request(format!(
            "inputs: found `{}`, expected `images`",
            shortened(&tensor.name, 40)
        )));
    }
    let count = tensor.count()?;
    let scale = match tensor.datatype.as_str() {
        "UINT8" => 1.0,
        "FP32" => 255.0,
        other => {
            return Err(Problem::bad_request(format!(
                "images: found the datatype `{}`, expected UINT8 or FP32",
                shortened(other, 40)
            )));
        }
    };
    let mut levels = Vec::new();
    flatten(&tensor.data, scale, &mut levels)?;
    let (images, rest) = levels.as_chunks::<PIXELS>();
    if count == 0 {
        return Err(Problem::bad_request("images: found none, expected at least one"));
    }
    if images.len() as u64 != count || !rest.is_empty() {
        let found = levels.len();
        return Err(Problem::bad_request(format!(
            "images: found {found} numbers; the shape requires {count} images of {PIXELS}"
        )));
    }
    Ok(images.to_vec())
}

impl InputTensor {
    /// Number of images by the shape.
    fn count(&self) -> Result<u64, Problem> {
        let side = SIDE as u64;
        match self.shape[..] {
            [count, pixels] if pixels == PIXELS as u64 => Ok(count),
            [count, height, width] if (height, width) == (side, side) => Ok(count),
            [count, 1, height, width] | [count, height, width, 1] if (height, width) == (side, side) => Ok(count),
            _ => {
                let found = &self.shape[..self.shape.len().min(8)];
                let message = format!("images: found the shape {found:?}, expected [n, 28, 28] or [n, 784]");
                Err(Problem::bad_request(message))
            }
        }
    }
}

/// Appends the numbers of a nested array in order; `scale` times a number is a level from 0 to 255.
fn flatten(data: &Value, scale: f64, levels: &mut Vec<u8>) -> Result<(), Problem> {
    for value in data.as_array().ok_or_else(|| Problem::bad_request("images: expected `data` to be an array"))? {
        if value.is_array() {
            flatten(value, scale, levels)?;
            continue;
        }
        let level = value.as_f64().map(|number| scale * number).filter(|level| (0.0..=255.0).contains(level));
        let level = level.filter(|level| scale != 1.0 || level.fract() == 0.0).ok_or_else(|| {
            let (index, found) = (levels.len(), shortened(&value.to_string(), 40));
            let expected = if scale == 1.0 { "an integer from 0 to 255" } else { "a number from 0 to 1" };
            Problem::bad_request(format!("images: number {index} is {found}, expected {expected}"))
        })?;
        levels.push(level.round() as u8);
    }
    Ok(())
}
