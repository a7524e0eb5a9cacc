//! Inference request: JSON, and behind it the numbers of its tensor where they are sent as bytes.
//!
//! One rule holds for the request, its inputs and its outputs: a field or a parameter that is not known is refused by
//! name, since ignoring it would answer another request than was sent.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::super::problem::{Problem, shortened},
    tensor::InputTensor,
};
use crate::data::PIXELS;

/// Header with the length of the JSON, in bytes, of a request or response that has bytes behind it.
pub(in crate::serve) const HEADER_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Names of the outputs.
pub(super) const OUTPUTS: [&str; 2] = ["probabilities", "digit"];

/// Inference request for a batch of images.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct InferRequest {
    /// Identifier that the response repeats.
    id: Option<String>,
    /// Parameters of the request.
    parameters: Option<RequestParameters>,
    /// One tensor, `images`.
    inputs: Vec<InputTensor>,
    /// Requested outputs; all if absent.
    #[serde(default)]
    outputs: Vec<RequestedOutput>,
}

/// Parameters of a request; there are no others.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestParameters {
    /// True if outputs are sent as bytes, unless `binary_data` of an output says otherwise.
    binary_data_output: Option<bool>,
}

/// Requested output.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestedOutput {
    /// `probabilities` or `digit`.
    name: String,
    /// Parameters of the output.
    parameters: Option<OutputParameters>,
}

/// Parameters of a requested output; there are no others.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OutputParameters {
    /// True if the output is sent as bytes.
    binary_data: Option<bool>,
}

/// Checked request.
pub(super) struct Batch {
    /// Identifier of the request.
    pub(super) id: Option<String>,
    /// Images to be classified, at least one.
    pub(super) images: Vec<[u8; PIXELS]>,
    /// For each of [`OUTPUTS`]: none if it is not requested, otherwise whether it is sent as bytes.
    pub(super) outputs: [Option<bool>; OUTPUTS.len()],
}

/// Length of the JSON that the headers give.
///
/// # Errors
/// 400 if it is no number.
pub(super) fn json_length(headers: &HeaderMap) -> Result<Option<usize>, Problem> {
    let Some(value) = headers.get(HEADER_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|value| value.parse().ok());
    let wrong = || {
        let found = String::from_utf8_lossy(value.as_bytes());
        let found = shortened(&found, 40);
        Problem::bad_request(format!("{HEADER_LENGTH}: found `{found}`, expected the length of the JSON in bytes"))
    };
    length.map(Some).ok_or_else(wrong)
}

/// Number of images in a body; see [`Batch::parse`].
#[cfg(fuzzing)]
pub(in crate::serve) fn parse(body: &Bytes, json_length: Option<usize>) -> Result<usize, Problem> {
    Batch::parse(body, json_length).map(|batch| batch.images.len())
}

impl Batch {
    /// Parses a body whose JSON is `json_length` bytes long; all of it if there is no such length.
    ///
    /// # Errors
    /// 400 that names the field that is wrong.
    pub(super) fn parse(body: &Bytes, json_length: Option<usize>) -> Result<Self, Problem> {
        let json_length = json_length.unwrap_or(body.len());
        let Some((json, bytes)) = body.split_at_checked(json_length) else {
            let message = format!("{HEADER_LENGTH}: found {json_length}, but the body has {} bytes", body.len());
            return Err(Problem::bad_request(message));
        };
        let request: InferRequest = serde_json::from_slice(json).map_err(|error| located(json, &error))?;
        let outputs = request.requested_outputs()?;
        let [tensor] = &request.inputs[..] else {
            let found = request.inputs.len();
            return Err(Problem::bad_request(format!("inputs: found {found} tensors, expected one, `images`")));
        };
        Ok(Self { images: tensor.images(bytes)?, outputs, id: request.id })
    }
}

impl InferRequest {
    fn requested_outputs(&self) -> Result<[Option<bool>; OUTPUTS.len()], Problem> {
        let by_default = self.parameters.as_ref().and_then(|parameters| parameters.binary_data_output).unwrap_or(false);
        if self.outputs.is_empty() {
            return Ok([Some(by_default); OUTPUTS.len()]);
        }
        let mut requested = [None; OUTPUTS.len()];
        for output in &self.outputs {
            let index = OUTPUTS.iter().position(|known| *known == output.name).ok_or_else(|| {
                let (found, known) = (shortened(&output.name, 40), OUTPUTS.join(", "));
                Problem::bad_request(format!("outputs: unknown output `{found}`; available: {known}"))
            })?;
            let own = output.parameters.as_ref().and_then(|parameters| parameters.binary_data);
            requested[index] = Some(own.unwrap_or(by_default));
        }
        Ok(requested)
    }
}

/// Error of malformed JSON with the path to the field. Finding the path takes a second pass, and only errors pay for it.
fn located(json: &[u8], error: &serde_json::Error) -> Problem {
    let second = serde_path_to_error::deserialize::<_, InferRequest>(&mut serde_json::Deserializer::from_slice(json));
    match second {
        Err(found) if found.path().iter().len() > 0 => {
            let path = shortened(&found.path().to_string(), 80);
            Problem::bad_request(format!("JSON: {path}: {error}"))
        }
        _ => Problem::bad_request(format!("JSON: {error}")),
    }
}
