//! `/api/run`.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::state::Service;

/// Served run.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct RunBody {
    /// Name of the run.
    name: String,
    /// Model that `/api/predict` takes the digit from.
    model: String,
    /// Names of all models.
    models: Vec<String>,
    /// Digest of the training results; equal for runs with equal results.
    sha256: String,
    /// Version of digitstack.
    version: &'static str,
}

/// Served run.
#[utoipa::path(get, path = "/api/run", responses((status = 200, body = RunBody)))]
pub(in crate::serve) async fn run(State(service): State<Service>) -> Json<RunBody> {
    let run = &service.run;
    Json(RunBody {
        name: run.name.clone(),
        model: run.recommended.clone(),
        models: run.names(),
        sha256: run.sha256.clone(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
