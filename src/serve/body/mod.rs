//! Bodies of requests: received with limits on size, time and memory, and decompressed.

mod coding;
pub(super) mod received;

use std::{pin::Pin, sync::Arc};

use axum::{
    body::{self, Bytes, HttpBody},
    extract::Request,
};

use super::{
    connection::registry::{Client, Phase, Reserved},
    engine::Permit,
    options::MAX_BODY_BYTES,
    problem::Problem,
    state::Service,
};
use received::Body;

/// Receives the body of a request, then takes a permit to work on it. Slow clients hold no permit, and keep neither
/// connections nor memory from quicker ones.
///
/// # Errors
/// 400 if the body ends early, 408 if it comes more slowly than the bodies of other clients that need its place, 413 if
/// it is longer than the limit, 415 for an unsupported `Content-Encoding`, 429 if no permit or no memory is free.
pub(super) async fn receive(service: &Service, request: Request) -> Result<(Body, Permit), Problem> {
    let client = request.extensions().get::<Arc<Client>>().cloned();
    let mut body = Body::new(request.headers(), Bytes::new())?;
    let incoming = request.into_body();
    match &client {
        None => body.bytes = collect(incoming, None, &mut body.reserved).await?,
        Some(client) => {
            body.bytes = tokio::select! {
                collected = collect(incoming, Some(client), &mut body.reserved) => collected?,
                () = client.evicted() => return Err(Problem::too_slow()),
            };
            client.enter(Phase::Work);
        }
    }
    let permit = service.engine.try_acquire();
    let permit = permit.ok_or_else(|| Problem::busy("too many requests in flight; try again in a second"))?;
    Ok((body, permit))
}

/// Collects the frames of a body.
async fn collect(
    mut incoming: body::Body,
    client: Option<&Arc<Client>>,
    reserved: &mut Reserved,
) -> Result<Bytes, Problem> {
    let announced = incoming.size_hint().exact().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > MAX_BODY_BYTES {
        return Err(Problem::body_too_large(MAX_BODY_BYTES));
    }
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut incoming).poll_frame(context)).await {
        let frame =
            frame.map_err(|_| Problem::bad_request("the request body ended early or does not match its headers"))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > MAX_BODY_BYTES {
            return Err(Problem::body_too_large(MAX_BODY_BYTES));
        }
        if bytes.is_empty() && incoming.is_end_stream() {
            return Ok(data);
        }
        if let Some(client) = client
            && !client.reserve(reserved, length).await
        {
            return Err(Problem::busy("too many large requests are being received; try again in a second"));
        }
        if length > bytes.capacity() {
            // Never more than twice what has arrived, whatever was announced.
            let capacity = (2 * length).min(announced.max(length));
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}
