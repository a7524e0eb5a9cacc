//! Parts of a request that several handlers take.

use axum::{
    body::Bytes,
    extract::{FromRequestParts, rejection::BytesRejection},
    http::{StatusCode, request::Parts},
};

use super::super::{engine::Permit, options::MAX_BODY_BYTES, problem::Problem, state::Service};

/// Permit of a request, acquired before its body is read; 429 if none is free.
pub(in crate::serve) struct InFlight(pub(super) Permit);

impl FromRequestParts<Service> for InFlight {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, service: &Service) -> Result<Self, Problem> {
        service.engine.try_acquire().map(Self).ok_or_else(|| {
            service.metrics.turned_away();
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests in flight; try again in a second")
        })
    }
}

/// Body of a request, or the error response for one that could not be read.
pub(super) fn body(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::body_too_large(MAX_BODY_BYTES),
        _ => Problem::bad_request("the request body ended early or does not match its headers"),
    })
}
