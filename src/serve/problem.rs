//! Error responses: a status and a JSON body with one sentence.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Body of every error response.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// What is wrong with the request and what is expected instead.
    error: String,
}

/// Error response: a status and a sentence, sent as an [`ErrorBody`].
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    message: String,
}

impl Problem {
    /// Error response with any status.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// 400: the request is malformed.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404: there is no such model.
    pub(super) fn unknown_model<'a>(name: &str, available: impl Iterator<Item = &'a str>) -> Self {
        let available: Vec<&str> = available.collect();
        let message = format!("unknown model `{}`; available: {}", shortened(name, 40), available.join(", "));
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 413: the body of the request is longer than `limit` bytes.
    pub(super) fn body_too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the request body is longer than {limit} bytes"))
    }

    /// 500: an internal error, whose cause is written to the log and not told to the client.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error; the cause is in the log of the service")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let busy = self.status == StatusCode::TOO_MANY_REQUESTS;
        let mut response = (self.status, Json(ErrorBody { error: self.message })).into_response();
        if busy {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The first `limit` characters of a text from a client, to be quoted in a message.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}
