//! Routes, the OpenAPI document that describes them, and the layers around them.

use axum::{Router, middleware::from_fn_with_state};
use utoipa::{OpenApi, openapi::OpenApi as OpenApiDocument};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    handlers::{
        fallback,
        inference::{infer, metadata},
        metrics, page, predict, run,
    },
    middleware::{access_log, host, limits},
    state::Service,
};

/// OpenAPI document without its paths.
#[derive(OpenApi)]
#[openapi(info(
    title = "digitstack",
    description = "Recognises handwritten digits with the models of one training run. The body of every error \
                   response is JSON with the field `error`.",
    license(name = "MIT OR Apache-2.0")
))]
struct Document;

/// Every route, and the OpenAPI document made of the same list: it neither lacks a route nor has one too many.
pub(super) fn routes() -> (Router<Service>, OpenApiDocument) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(predict::predict))
        .routes(routes!(run::run))
        .routes(routes!(page::openapi))
        .routes(routes!(metadata::server))
        .routes(routes!(metadata::live))
        .routes(routes!(metadata::ready))
        .routes(routes!(metadata::models))
        .routes(routes!(metadata::model))
        .routes(routes!(metadata::model_ready))
        .routes(routes!(metadata::model_version))
        .routes(routes!(metadata::model_version_ready))
        .routes(routes!(infer::infer))
        .routes(routes!(infer::infer_version))
        .routes(routes!(metrics::metrics))
        .routes(routes!(page::index))
        .routes(routes!(page::asset))
        .routes(routes!(page::report_index))
        .routes(routes!(page::report))
        .split_for_parts()
}

/// Adds the fallbacks and the layers that every request passes; the last layer is the outermost.
pub(super) fn layered(routes: Router<Service>, service: Service) -> Router {
    routes
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer(from_fn_with_state(service.clone(), limits::enforce))
        .layer(from_fn_with_state(service.clone(), host::check))
        .layer(from_fn_with_state(service.clone(), access_log::record))
        .with_state(service)
}
