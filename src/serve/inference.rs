//! The open inference protocol (KServe V2) over HTTP: health, metadata, and batches of images.
//!
//! Every model of the run is a model of the protocol, by its name. Images go in as the tensor `images`: `UINT8` levels
//! from 0 to 255 or `FP32` from 0 to 1, of shape `[n, 28, 28]`, `[n, 1, 28, 28]`, `[n, 28, 28, 1]` or `[n, 784]`. Out
//! come `probabilities`, `FP32` `[n, 10]`, and `digit`, `INT64` `[n]`. Nothing is refused here and nothing calibrated:
//! the caller asked for this model's own numbers.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    Service,
    api::{InFlight, whole},
    models::Worker,
    problem::{ErrorBody, Problem},
};
use crate::{
    data::{CLASSES, PIXELS, SIDE},
    evaluation::top_class,
    pipeline::Opinion,
};

/// Whether the service is alive or ready.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
}

/// The process answers.
#[utoipa::path(get, path = "/v2/health/live", responses((status = 200, body = Health)))]
pub(super) async fn live() -> Json<Health> {
    Json(Health { live: Some(true), ready: None })
}

/// The models are loaded, and the service is not shutting down.
#[utoipa::path(get, path = "/v2/health/ready", responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(super) async fn ready(State(service): State<Service>) -> (StatusCode, Json<Health>) {
    let ready = !service.is_stopping();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Health { live: None, ready: Some(ready) }))
}

/// What answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServerMetadata {
    name: &'static str,
    version: &'static str,
    extensions: Vec<String>,
}

/// The service.
#[utoipa::path(get, path = "/v2", responses((status = 200, body = ServerMetadata)))]
pub(super) async fn server() -> Json<ServerMetadata> {
    Json(ServerMetadata { name: "digitstack", version: env!("CARGO_PKG_VERSION"), extensions: Vec::new() })
}

/// The names of all models.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelList {
    /// Members, the stack, the ensembles.
    models: Vec<String>,
}

/// All models.
#[utoipa::path(get, path = "/v2/models", responses((status = 200, body = ModelList)))]
pub(super) async fn models(State(service): State<Service>) -> Json<ModelList> {
    Json(ModelList { models: service.models().map(|(name, _)| name.to_owned()).collect() })
}

/// A tensor's name, type and shape; −1 is any number of images.
#[derive(Debug, Serialize, ToSchema)]
struct TensorMetadata {
    name: &'static str,
    datatype: &'static str,
    shape: Vec<i64>,
}

/// What a model takes and gives.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModelMetadata {
    name: String,
    versions: Vec<String>,
    platform: String,
    inputs: Vec<TensorMetadata>,
    outputs: Vec<TensorMetadata>,
}

/// What a model takes and gives.
#[utoipa::path(
    get,
    path = "/v2/models/{name}",
    params(("name" = String, Path, description = "A model of `/v2/models`")),
    responses((status = 200, body = ModelMetadata), (status = 404, body = ErrorBody))
)]
pub(super) async fn metadata(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<Json<ModelMetadata>, Problem> {
    let kind = service.model(&name)?;
    let tensor = |name, datatype, shape: &[i64]| TensorMetadata { name, datatype, shape: shape.to_vec() };
    let side = SIDE as i64;
    Ok(Json(ModelMetadata {
        name,
        versions: vec!["1".to_owned()],
        platform: format!("digitstack_{kind}"),
        inputs: vec![tensor("images", "UINT8", &[-1, side, side])],
        outputs: vec![tensor("probabilities", "FP32", &[-1, CLASSES as i64]), tensor("digit", "INT64", &[-1])],
    }))
}

/// Whether a model is ready.
#[utoipa::path(
    get,
    path = "/v2/models/{name}/ready",
    params(("name" = String, Path, description = "A model of `/v2/models`")),
    responses((status = 200, body = Health), (status = 404, body = ErrorBody), (status = 503, body = Health))
)]
pub(super) async fn model_ready(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Health>), Problem> {
    service.model(&name)?;
    Ok(ready(State(service)).await)
}

/// A batch of images.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct InferRequest {
    /// Comes back in the answer.
    id: Option<String>,
    /// None are known; must be absent or empty.
    #[schema(value_type = Option<Object>)]
    parameters: Option<serde_json::Map<String, Value>>,
    /// One tensor, `images`.
    inputs: Vec<InputTensor>,
    /// The outputs that are wanted; all if absent.
    #[serde(default)]
    outputs: Vec<WantedOutput>,
}

/// A tensor with its numbers, row-major, nested or flat.
#[derive(Debug, Deserialize, ToSchema)]
struct InputTensor {
    name: String,
    shape: Vec<u64>,
    /// `UINT8` or `FP32`.
    datatype: String,
    #[schema(value_type = Vec<Value>)]
    data: Value,
}

/// The name of an output.
#[derive(Debug, Deserialize, ToSchema)]
struct WantedOutput {
    name: String,
}

/// What a model says.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InferResponse {
    model_name: String,
    model_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    outputs: Vec<OutputTensor>,
}

/// A tensor with its numbers, flat and row-major.
#[derive(Debug, Serialize, ToSchema)]
struct OutputTensor {
    name: &'static str,
    datatype: &'static str,
    shape: Vec<usize>,
    #[schema(value_type = Vec<f64>)]
    data: Value,
}

/// The names of the outputs.
const OUTPUTS: [&str; 2] = ["probabilities", "digit"];

/// Ask one model about a batch of images.
#[utoipa::path(
    post,
    path = "/v2/models/{name}/infer",
    params(("name" = String, Path, description = "A model of `/v2/models`")),
    request_body = InferRequest,
    responses(
        (status = 200, body = InferResponse),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 408, body = ErrorBody),
        (status = 413, body = ErrorBody),
        (status = 429, body = ErrorBody),
    )
)]
pub(super) async fn infer(
    State(service): State<Service>,
    InFlight(place): InFlight,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<InferResponse>, Problem> {
    service.model(&name)?;
    let body = whole(body)?;
    let response = service.desk.models().work(place, move |worker| respond(worker, name, &body)).await?;
    service.metrics.inferred(response.images());
    Ok(Json(response))
}

/// Reads a request and asks the model: both take a while for a large batch.
fn respond(worker: &mut Worker, name: String, body: &[u8]) -> Result<InferResponse, Problem> {
    let request: InferRequest =
        serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("JSON: {error}")))?;
    if let Some(parameter) = request.parameters.iter().flat_map(serde_json::Map::keys).next() {
        return Err(Problem::bad_request(format!(
            "parameters: `{}` is not known; there are none",
            shortened(parameter)
        )));
    }
    if let Some(unknown) = request.outputs.iter().find(|output| !OUTPUTS.contains(&output.name.as_str())) {
        let known = OUTPUTS.join(" and ");
        return Err(Problem::bad_request(format!(
            "outputs: `{}` is not known; there are {known}",
            shortened(&unknown.name)
        )));
    }
    let images = images(&request.inputs)?;
    let opinion = worker.opinions(&images)?.into_iter().find(|opinion| opinion.name == name);
    let Opinion { probabilities: rows, .. } = opinion.ok_or_else(Problem::internal)?;
    let wanted = |name: &&str| request.outputs.is_empty() || request.outputs.iter().any(|output| output.name == *name);
    let outputs = OUTPUTS.into_iter().filter(wanted).map(|name| match name {
        "digit" => {
            let digits: Vec<usize> = rows.iter().map(top_class).collect();
            OutputTensor { name, datatype: "INT64", shape: vec![rows.len()], data: json!(digits) }
        }
        _ => {
            OutputTensor { name, datatype: "FP32", shape: vec![rows.len(), CLASSES], data: json!(rows.as_flattened()) }
        }
    });
    Ok(InferResponse { model_name: name, model_version: "1", id: request.id, outputs: outputs.collect() })
}

impl InferResponse {
    /// How many images were asked about.
    fn images(&self) -> usize {
        self.outputs.first().and_then(|output| output.shape.first()).copied().unwrap_or_default()
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The images of the one tensor.
fn images(inputs: &[InputTensor]) -> Result<Vec<[u8; PIXELS]>, Problem> {
    let [tensor] = inputs else {
        return Err(Problem::bad_request(format!("inputs: found {} tensors, expected one, `images`", inputs.len())));
    };
    if tensor.name != "images" {
        return Err(Problem::bad_request(format!("inputs: found `{}`, expected `images`", shortened(&tensor.name))));
    }
    let side = SIDE as u64;
    let count = match tensor.shape[..] {
        [count, pixels] if pixels == PIXELS as u64 => count,
        [count, height, width] if (height, width) == (side, side) => count,
        [count, 1, height, width] | [count, height, width, 1] if (height, width) == (side, side) => count,
        _ => {
            let problem = format!(
                "images: found the shape {:?}, expected [n, 28, 28] or [n, 784]",
                &tensor.shape[..tensor.shape.len().min(8)]
            );
            return Err(Problem::bad_request(problem));
        }
    };
    let scale = match tensor.datatype.as_str() {
        "UINT8" => 1.0,
        "FP32" => 255.0,
        other => {
            return Err(Problem::bad_request(format!(
                "images: found the datatype `{}`, expected UINT8 or FP32",
                shortened(other)
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
        let problem = format!("images: found {} numbers, and the shape says {count} images of {PIXELS}", levels.len());
        return Err(Problem::bad_request(problem));
    }
    Ok(images.to_vec())
}

/// Appends the numbers of an array in order, however nested; `scale` times a number is a level from 0 to 255.
fn flatten(data: &Value, scale: f64, levels: &mut Vec<u8>) -> Result<(), Problem> {
    for value in data.as_array().ok_or_else(|| Problem::bad_request("images: expected `data` to be an array"))? {
        if value.is_array() {
            flatten(value, scale, levels)?;
            continue;
        }
        let level = value.as_f64().map(|number| scale * number).filter(|level| (0.0..=255.0).contains(level));
        let level = level.filter(|level| scale != 1.0 || level.fract() == 0.0).ok_or_else(|| {
            let (place, found) = (levels.len(), shortened(&value.to_string()));
            let expected = if scale == 1.0 { "a whole number from 0 to 255" } else { "a number from 0 to 1" };
            Problem::bad_request(format!("images: number {place} is {found}, expected {expected}"))
        })?;
        levels.push(level.round() as u8);
    }
    Ok(())
}
