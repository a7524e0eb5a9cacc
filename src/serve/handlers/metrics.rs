//! `/metrics`.

use axum::{extract::State, http::header, response::IntoResponse};

use super::super::{metrics::CONTENT_TYPE, problem::Problem, state::Service};

/// Metrics in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    responses((status = 200, body = String, content_type = "text/plain; version=0.0.4"))
)]
pub(in crate::serve) async fn metrics(State(service): State<Service>) -> Result<impl IntoResponse, Problem> {
    let text = service.metrics.encode().map_err(|_| Problem::internal())?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}
