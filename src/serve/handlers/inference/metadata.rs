//! Health and metadata of the service and of its models.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::super::{
    problem::{ErrorBody, Problem, shortened},
    state::Service,
};
use crate::data::{CLASSES, SIDE};

/// Version of every model; there is no other.
pub(super) const VERSION: &str = "1";

/// Answers 404 unless `version` is [`VERSION`].
pub(super) fn check_version(version: &str) -> Result<(), Problem> {
    if version == VERSION {
        return Ok(());
    }
    let message = format!("unknown version `{}`; available: {VERSION}", shortened(version, 40));
    Err(Problem::new(StatusCode::NOT_FOUND, message))
}

/// Liveness or readiness.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct Health {
    /// Name of the model, if it is that of a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// True if the process responds.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<bool>,
    /// True if the models are loaded and the service is not shutting down.
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
}

/// Liveness: the process responds.
#[utoipa::path(get, path = "/v2/health/live", responses((status = 200, body = Health)))]
pub(in crate::serve) async fn live() -> Json<Health> {
    Json(Health { name: None, live: Some(true), ready: None })
}

/// Readiness: the models are loaded, and the service is not shutting down.
#[utoipa::path(
    get,
    path = "/v2/health/ready",
    responses((status = 200, body = Health), (status = 503, body = Health))
)]
pub(in crate::serve) async fn ready(State(service): State<Service>) -> (StatusCode, Json<Health>) {
    readiness(&service, None)
}

fn readiness(service: &Service, name: Option<String>) -> (StatusCode, Json<Health>) {
    let ready = !service.is_stopping();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Health { name, live: None, ready: Some(ready) }))
}

/// Metadata of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct ServerMetadata {
    /// `digitstack`.
    name: &'static str,
    /// Version of digitstack.
    version: &'static str,
    /// Supported extensions of the protocol: `binary_tensor_data`.
    extensions: Vec<String>,
}

/// Metadata of the service.
#[utoipa::path(get, path = "/v2", responses((status = 200, body = ServerMetadata)))]
pub(in crate::serve) async fn server() -> Json<ServerMetadata> {
    let extensions = vec!["binary_tensor_data".to_owned()];
    Json(ServerMetadata { name: "digitstack", version: env!("CARGO_PKG_VERSION"), extensions })
}

/// Names of all models.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct ModelList {
    /// Members, the stack, the ensembles.
    models: Vec<String>,
}

/// Names of all models.
#[utoipa::path(get, path = "/v2/models", responses((status = 200, body = ModelList)))]
pub(in crate::serve) async fn models(State(service): State<Service>) -> Json<ModelList> {
    Json(ModelList { models: service.run.names() })
}

/// Name, type and shape of a tensor; −1 is any number of images.
#[derive(Debug, Serialize, ToSchema)]
struct TensorMetadata {
    /// Name of the tensor.
    name: &'static str,
    /// Element type.
    datatype: &'static str,
    /// Sizes of the dimensions.
    shape: Vec<i64>,
}

/// Inputs and outputs of a model.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct ModelMetadata {
    /// Name of the model.
    name: String,
    /// Available versions: one.
    versions: Vec<String>,
    /// `digitstack_member`, `digitstack_stack` or `digitstack_ensemble`.
    platform: String,
    /// Input tensors.
    inputs: Vec<TensorMetadata>,
    /// Output tensors.
    outputs: Vec<TensorMetadata>,
}

/// Inputs and outputs of a model.
#[utoipa::path(
    get,
    path = "/v2/models/{name}",
    params(("name" = String, Path, description = "Name of a model of `/v2/models`")),
    responses((status = 200, body = ModelMetadata), (status = 404, body = ErrorBody))
)]
pub(in crate::serve) async fn model(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<Json<ModelMetadata>, Problem> {
    describe(&service, name)
}

/// Inputs and outputs of one version of a model; there is one, `1`.
#[utoipa::path(
    get,
    path = "/v2/models/{name}/versions/{version}",
    params(
        ("name" = String, Path, description = "Name of a model of `/v2/models`"),
        ("version" = String, Path, description = "`1`"),
    ),
    responses((status = 200, body = ModelMetadata), (status = 404, body = ErrorBody))
)]
pub(in crate::serve) async fn model_version(
    State(service): State<Service>,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<ModelMetadata>, Problem> {
    check_version(&version)?;
    describe(&service, name)
}

fn describe(service: &Service, name: String) -> Result<Json<ModelMetadata>, Problem> {
    let (_, kind) = service.run.model(&name)?;
    let tensor = |name, datatype, shape: &[i64]| TensorMetadata { name, datatype, shape: shape.to_vec() };
    let side = SIDE as i64;
    Ok(Json(ModelMetadata {
        name,
        versions: vec![VERSION.to_owned()],
        platform: format!("digitstack_{}", kind.name()),
        inputs: vec![tensor("images", "UINT8", &[-1, side, side])],
        outputs: vec![tensor("probabilities", "FP32", &[-1, CLASSES as i64]), tensor("digit", "INT64", &[-1])],
    }))
}

/// Readiness of a model.
#[utoipa::path(
    get,
    path = "/v2/models/{name}/ready",
    params(("name" = String, Path, description = "Name of a model of `/v2/models`")),
    responses((status = 200, body = Health), (status = 404, body = ErrorBody), (status = 503, body = Health))
)]
pub(in crate::serve) async fn model_ready(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Health>), Problem> {
    service.run.model(&name)?;
    Ok(readiness(&service, Some(name)))
}

/// Readiness of one version of a model; there is one, `1`.
#[utoipa::path(
    get,
    path = "/v2/models/{name}/versions/{version}/ready",
    params(
        ("name" = String, Path, description = "Name of a model of `/v2/models`"),
        ("version" = String, Path, description = "`1`"),
    ),
    responses((status = 200, body = Health), (status = 404, body = ErrorBody), (status = 503, body = Health))
)]
pub(in crate::serve) async fn model_version_ready(
    State(service): State<Service>,
    Path((name, version)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Health>), Problem> {
    check_version(&version)?;
    service.run.model(&name)?;
    Ok(readiness(&service, Some(name)))
}
