//! Inference response: JSON, and behind it the outputs that are sent as bytes.

use axum::{
    Json,
    body::Bytes,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::super::problem::Problem,
    metadata::VERSION,
    request::{HEADER_LENGTH, OUTPUTS},
};
use crate::{
    data::{CLASSES, Probabilities},
    evaluation::top_class,
};

/// Outputs of a model for a batch of images.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct InferResponse {
    /// Name of the model.
    model_name: String,
    /// `1`.
    model_version: &'static str,
    /// Identifier of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Output tensors.
    pub(super) outputs: Vec<OutputTensor>,
    /// Number of images in the batch.
    #[serde(skip)]
    #[schema(ignore)]
    pub(super) images: usize,
    /// Bytes behind the JSON.
    #[serde(skip)]
    #[schema(ignore)]
    bytes: Option<Vec<u8>>,
}

/// Output tensor, its numbers in row-major order: flat in `data`, or as bytes behind the JSON.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutputTensor {
    /// `probabilities` or `digit`.
    name: &'static str,
    /// `FP32` or `INT64`.
    datatype: &'static str,
    /// `[n, 10]` or `[n]`.
    shape: Vec<usize>,
    /// Parameters of the tensor, if it is sent as bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BinaryTensor>,
    /// Numbers of the tensor, unless it is sent as bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<f64>>)]
    pub(super) data: Option<Numbers>,
}

/// Parameters of a tensor that is sent as bytes.
#[derive(Debug, Serialize, ToSchema)]
struct BinaryTensor {
    /// Number of bytes behind the JSON that are the tensor, little-endian.
    binary_data_size: usize,
}

/// Numbers of an output.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Numbers {
    Probabilities(Vec<f32>),
    Digits(Vec<i64>),
}

impl Numbers {
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Probabilities(numbers) => numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            Self::Digits(numbers) => numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
        }
    }
}

impl InferResponse {
    /// Response for the class probabilities of a batch. `outputs`: for each of [`OUTPUTS`] none if it is not requested,
    /// otherwise whether it is sent as bytes.
    pub(super) fn new(
        model_name: String,
        id: Option<String>,
        rows: &Probabilities,
        outputs: [Option<bool>; OUTPUTS.len()],
    ) -> Self {
        let mut bytes = None;
        let mut tensors = Vec::new();
        for (name, is_binary) in OUTPUTS.into_iter().zip(outputs) {
            let Some(is_binary) = is_binary else { continue };
            let (datatype, shape, numbers) = match name {
                "digit" => {
                    let digits = rows.iter().map(|row| top_class(row) as i64).collect();
                    ("INT64", vec![rows.len()], Numbers::Digits(digits))
                }
                _ => ("FP32", vec![rows.len(), CLASSES], Numbers::Probabilities(rows.as_flattened().to_vec())),
            };
            let (parameters, data) = if is_binary {
                let (all, own) = (bytes.get_or_insert_with(Vec::new), numbers.to_bytes());
                all.extend_from_slice(&own);
                (Some(BinaryTensor { binary_data_size: own.len() }), None)
            } else {
                (None, Some(numbers))
            };
            tensors.push(OutputTensor { name, datatype, shape, parameters, data });
        }
        Self { model_name, model_version: VERSION, id, outputs: tensors, images: rows.len(), bytes }
    }
}

impl IntoResponse for InferResponse {
    fn into_response(mut self) -> Response {
        let Some(bytes) = self.bytes.take() else { return Json(self).into_response() };
        let Ok(mut body) = serde_json::to_vec(&self) else { return Problem::internal().into_response() };
        let length = body.len();
        body.extend_from_slice(&bytes);
        let headers = [(header::CONTENT_TYPE, "application/octet-stream")];
        ([(HEADER_LENGTH, length.to_string())], headers, Bytes::from(body)).into_response()
    }
}
