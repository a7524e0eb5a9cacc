//! The drawing page, its assets, the report of the run and the OpenAPI document.

use axum::{
    extract::{self, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::super::{
    page,
    problem::{ErrorBody, Problem, shortened},
    state::Service,
};

/// Content security policy of the report: it is one file with inline styles that loads nothing.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                             form-action 'none'; frame-ancestors 'none'";
/// Browsers may store the response, and must revalidate it before each use.
const CACHE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");
/// Content type of pages.
const HTML: &str = "text/html; charset=utf-8";

/// Drawing page.
#[utoipa::path(get, path = "/", responses((status = 200, body = String, content_type = "text/html")))]
pub(in crate::serve) async fn index(State(service): State<Service>) -> Response {
    ([(header::CONTENT_TYPE, HTML), CACHE], service.pages.index.clone()).into_response()
}

/// Script, style sheet or icon of the page.
#[utoipa::path(
    get,
    path = "/assets/{name}",
    params(("name" = String, Path, description = "Name of a file that the page loads")),
    responses(
        (status = 200, content((String = "text/css"), (String = "text/javascript"), (String = "image/svg+xml"))),
        (status = 404, body = ErrorBody)
    )
)]
pub(in crate::serve) async fn asset(
    State(service): State<Service>,
    extract::Path(name): extract::Path<String>,
) -> Result<Response, Problem> {
    if name == "colours.css" {
        return Ok(([(header::CONTENT_TYPE, page::STYLE), CACHE], service.pages.colours.clone()).into_response());
    }
    let (content_type, contents) = page::asset(&name).ok_or_else(|| unknown_file(&name))?;
    Ok(([(header::CONTENT_TYPE, content_type), CACHE], contents).into_response())
}

/// Report of the run.
#[utoipa::path(
    get,
    path = "/report/",
    responses((status = 200, body = String, content_type = "text/html"), (status = 404, body = ErrorBody))
)]
pub(in crate::serve) async fn report_index(State(service): State<Service>) -> Result<Response, Problem> {
    report_file(&service, "index.html")
}

/// Figure of the report, or the report itself.
#[utoipa::path(
    get,
    path = "/report/{name}",
    params(("name" = String, Path, description = "Name of a file of the report")),
    responses(
        (status = 200, content((String = "image/svg+xml"), (String = "text/html"))),
        (status = 404, body = ErrorBody)
    )
)]
pub(in crate::serve) async fn report(
    State(service): State<Service>,
    extract::Path(name): extract::Path<String>,
) -> Result<Response, Problem> {
    report_file(&service, &name)
}

fn report_file(service: &Service, name: &str) -> Result<Response, Problem> {
    let contents = service.pages.report.get(name).ok_or_else(|| unknown_file(name))?;
    let content_type = if name.ends_with(".svg") { "image/svg+xml" } else { HTML };
    let headers = [(header::CONTENT_TYPE, content_type), CACHE, (header::CONTENT_SECURITY_POLICY, REPORT_POLICY)];
    Ok((headers, contents.clone()).into_response())
}

fn unknown_file(name: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("unknown file `{}`", shortened(name, 80)))
}

/// OpenAPI document of this service.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    responses((status = 200, body = Object, content_type = "application/json"))
)]
pub(in crate::serve) async fn openapi(State(service): State<Service>) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), CACHE], service.pages.document.clone()).into_response()
}
