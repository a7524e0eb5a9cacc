//! Limits on the time and the body of a request.

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::super::{options::MAX_BODY_BYTES, problem::Problem, state::Service};

/// Answers 413 if `Content-Length` exceeds the limit, and 408 if receiving the body and responding exceed the timeout.
pub(in crate::serve) async fn enforce(State(service): State<Service>, request: Request, next: Next) -> Response {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Problem::body_too_large(MAX_BODY_BYTES).into_response();
    }
    let timeout = service.timeout;
    tokio::time::timeout(timeout, next.run(request)).await.unwrap_or_else(|_| {
        let message = format!("request not received and answered within {} seconds", timeout.as_secs_f64());
        Problem::new(StatusCode::REQUEST_TIMEOUT, message).into_response()
    })
}
