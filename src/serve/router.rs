//! Routes, the OpenAPI document that describes them, and the layers around them.

use axum::{Router, middleware::from_fn_with_state};
use tower::util::option_layer;
use utoipa::{
    OpenApi,
    openapi::{
        Components, Content, OpenApi as OpenApiDocument, PathItem, Ref, Response,
        path::Operation,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    handlers::{
        fallback,
        inference::{infer, metadata},
        metrics, page, predict, read, run,
    },
    middleware::{access_log, api_key, cors, host, limits},
    origin::Origin,
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
        .routes(routes!(read::read))
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

/// Adds to the document that requests must show a key, but for those of the paths that are open.
pub(super) fn demand_keys(document: &mut OpenApiDocument) {
    let header = ApiKeyValue::new(api_key::KEY_HEADER.as_str());
    let schemes = [
        ("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer))),
        ("basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic))),
        ("header", SecurityScheme::ApiKey(ApiKey::Header(header))),
    ];
    let names = schemes.each_ref().map(|(name, _)| *name);
    let components = document.components.get_or_insert_with(Components::new);
    components.security_schemes.extend(schemes.map(|(name, scheme)| (name.to_owned(), scheme.into())));
    let error = Content::new(Some(Ref::from_schema_name("ErrorBody")));
    let mut refusal = Response::new("No key, or none of this service's");
    refusal.content.insert("application/json".to_owned(), error.into());
    for (path, item) in &mut document.paths.paths {
        if api_key::OPEN_PATHS.contains(&path.as_str()) {
            continue;
        }
        for operation in operations(item) {
            operation.security =
                Some(names.map(|name| SecurityRequirement::new::<_, [&str; 0], &str>(name, [])).to_vec());
            operation.responses.responses.insert("401".to_owned(), refusal.clone().into());
        }
    }
}

/// The operations of a path; the service has no others.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [item.get.as_mut(), item.post.as_mut()].into_iter().flatten()
}

/// Adds the fallbacks and the layers that every request passes; the last layer is the outermost.
pub(super) fn layered(routes: Router<Service>, origins: &[Origin], service: Service) -> Router {
    routes
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer(from_fn_with_state(service.clone(), limits::enforce))
        .layer(from_fn_with_state(service.clone(), api_key::check))
        .layer(option_layer(cors::layer(origins)))
        .layer(from_fn_with_state(service.clone(), host::check))
        .layer(from_fn_with_state(service.clone(), access_log::record))
        .with_state(service)
}
