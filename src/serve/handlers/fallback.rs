//! Responses for unknown paths and unsupported methods.

use axum::{extract::Request, http::StatusCode};

use super::super::problem::{Problem, shortened};

/// 404 for an unknown path.
pub(in crate::serve) async fn not_found(request: Request) -> Problem {
    let path = shortened(request.uri().path(), 80);
    Problem::new(StatusCode::NOT_FOUND, format!("unknown path `{path}`; /api/openapi.json lists all paths"))
}

/// 405 for a method that the path does not support.
pub(in crate::serve) async fn method_not_allowed(request: Request) -> Problem {
    let path = shortened(request.uri().path(), 80);
    let method = shortened(request.method().as_str(), 20);
    let message = format!("`{path}` does not support the method {method}; see the Allow header");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, message)
}
