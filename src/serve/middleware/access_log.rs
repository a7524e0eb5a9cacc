//! Access log, metrics and security headers of every request.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::HttpBody,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    super::{
        connection::registry::{Client, Phase},
        metrics::InFlightGuard,
        problem::{Problem, shortened},
        state::Service,
    },
    security,
};

/// Status of a request whose client closed the connection before the response, as in nginx. It is never sent.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// Methods that are metric labels; all others are counted as `other`, so that made-up methods add no time series.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Line of the access log.
#[derive(Serialize)]
struct Access<'a> {
    /// Time of the response.
    time: String,
    /// Address of the client.
    peer: Option<SocketAddr>,
    /// None, as the path, if the bytes were no request.
    method: Option<&'a str>,
    path: Option<&'a str>,
    status: u16,
    /// Time from request head to response.
    milliseconds: f64,
    /// `Content-Length` of the request.
    received: Option<u64>,
    /// Length of the response body.
    sent: Option<u64>,
    /// `User-Agent`.
    agent: Option<&'a str>,
    /// Why the bytes were no request.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// Counts and logs a request, and adds the security headers to its response.
pub(in crate::serve) async fn record(State(service): State<Service>, request: Request, next: Next) -> Response {
    let mut pending = Pending {
        begun: Instant::now(),
        in_flight: Some(service.metrics.in_flight()),
        client: request.extensions().get::<Arc<Client>>().cloned(),
        route: request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned(),
        path: shortened(request.uri().path(), 200),
        method: request.method().clone(),
        headers: request.headers().clone(),
        service,
    };
    if let Some(client) = &pending.client {
        client.enter(if request.body().is_end_stream() { Phase::Work } else { Phase::Body });
    }
    let mut response = in_json(next.run(request).await);
    security::add_headers(&mut response);
    let sent = content_length(response.headers()).or_else(|| response.body().size_hint().exact());
    pending.complete(response.status(), sent);
    response
}

/// Request that is not yet counted and logged. Dropped without a response, it is recorded as closed by the client.
struct Pending {
    begun: Instant,
    in_flight: Option<InFlightGuard>,
    client: Option<Arc<Client>>,
    route: String,
    path: String,
    method: Method,
    headers: HeaderMap,
    service: Service,
}

impl Pending {
    /// Counts and logs the request, once.
    fn complete(&mut self, status: StatusCode, sent: Option<u64>) {
        // It is in flight until it is recorded.
        let Some(_in_flight) = self.in_flight.take() else { return };
        if let Some(client) = &self.client {
            client.responded();
        }
        let method = if METHODS.contains(&self.method.as_str()) { self.method.as_str() } else { "other" };
        self.service.metrics.responded(&self.route, method, status, self.begun.elapsed());
        if status == StatusCode::TOO_MANY_REQUESTS {
            self.service.metrics.turned_away();
        }
        let agent = self.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let line = Access {
            time: now(),
            peer: self.client.as_ref().map(|client| client.peer),
            method: Some(self.method.as_str()),
            path: Some(&self.path),
            status: status.as_u16(),
            milliseconds: milliseconds(self.begun.elapsed()),
            received: content_length(&self.headers),
            sent,
            agent: agent.map(|agent| &agent[..agent.len().min(200)]),
            error: None,
        };
        line.write(&self.service);
    }
}

/// Counts and logs a client whose bytes were no request, with the answer to it.
pub(in crate::serve) fn record_refusal(service: &Service, client: &Client, problem: &Problem) {
    service.metrics.responded("none", "other", problem.status, client.waited());
    let line = Access {
        time: now(),
        peer: Some(client.peer),
        method: None,
        path: None,
        status: problem.status.as_u16(),
        milliseconds: milliseconds(client.waited()),
        received: None,
        sent: None,
        agent: None,
        error: Some(&problem.message),
    };
    line.write(service);
}

impl Access<'_> {
    fn write(&self, service: &Service) {
        if let Ok(line) = serde_json::to_string(self) {
            (service.log)(&line);
        }
    }
}

/// Present time, as log lines have it.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Ok(status) = StatusCode::from_u16(CLIENT_CLOSED_REQUEST) {
            self.complete(status, None);
        }
    }
}

/// `Content-Length` of a message.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Replaces the plain-text 400 that axum answers to a path whose escapes are not UTF-8 by a 404 in JSON.
fn in_json(response: Response) -> Response {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_json = content_type.is_some_and(|content_type| content_type == "application/json");
    if response.status() == StatusCode::BAD_REQUEST && !is_json {
        return Problem::new(StatusCode::NOT_FOUND, "unknown path: it is not UTF-8").into_response();
    }
    response
}
