//! Error responses: a status and a JSON body with one sentence.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::middleware::security;

/// Body of every error response.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// What is wrong with the request and what is expected instead.
    error: String,
}

/// Error response: a status and a sentence, sent as an [`ErrorBody`].
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// Further header of the response.
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// Error response with any status.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), header: None }
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
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the request body is longer than {limit} bytes, before or after it is decompressed"),
        )
    }

    /// 408: the client keeps others waiting.
    pub(super) fn too_slow() -> Self {
        let message = "the request arrived too slowly: its place was needed for another one; send it again";
        Self::new(StatusCode::REQUEST_TIMEOUT, message)
    }

    /// 415: the body has a `Content-Encoding` that is not decoded.
    pub(super) fn unsupported_coding(found: &str) -> Self {
        let found = shortened(found, 60);
        let message = format!("found the content encoding `{found}`, expected gzip, deflate or none");
        let problem = Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
        Self { header: Some((header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"))), ..problem }
    }

    /// 429: the service has too much to do.
    pub(super) fn busy(message: &str) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, message);
        Self { header: Some((header::RETRY_AFTER, HeaderValue::from_static("1"))), ..problem }
    }

    /// 500: an internal error, whose cause is written to the log and not told to the client.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error; the cause is in the log of the service")
    }
}

impl Problem {
    /// Whole response, for a client whose bytes were no request. The connection is closed after it.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        // A sentence always serialises.
        let body = serde_json::to_string(&ErrorBody { error: self.message }).unwrap_or_default();
        let (status, length, security) = (self.status, body.len(), security::lines());
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{security}\
             connection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(ErrorBody { error: self.message })).into_response();
        response.headers_mut().extend(self.header);
        response
    }
}

/// The first `limit` characters of a text from a client, to be quoted in a message.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    text.chars().take(limit).collect()
}
