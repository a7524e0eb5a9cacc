//! What every request passes, whatever its route: who may ask, how long it may take, what is written down, what the
//! browser is told.

use std::{net::SocketAddr, time::Instant};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{Service, api::too_large, metrics::UnderWay, problem::Problem};

/// What a page from here may do: load from here, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Told with every answer.
const SECURITY: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// A line of the access log.
#[derive(Serialize)]
struct Access<'a> {
    time: String,
    peer: Option<SocketAddr>,
    method: &'a str,
    path: &'a str,
    status: u16,
    milliseconds: f64,
    /// What the request said of its body's length.
    received: Option<u64>,
    sent: Option<u64>,
    agent: Option<&'a str>,
}

/// Counts and logs a request, and adds the headers for the browser's safety.
pub(super) async fn watch(State(service): State<Service>, request: Request, next: Next) -> Response {
    let mut watched = Watched {
        begun: Instant::now(),
        under_way: Some(service.metrics.request()),
        peer: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
        route: request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned(),
        path: request.uri().path().chars().take(200).collect(),
        method: request.method().clone(),
        headers: request.headers().clone(),
        service,
    };
    let mut response = in_json(next.run(request).await);
    for (name, value) in SECURITY {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    let sent = length(response.headers()).or_else(|| axum::body::HttpBody::size_hint(response.body()).exact());
    watched.end(response.status(), sent);
    response
}

/// The status of a request whose client went away before it was answered, as nginx has it. Nobody is sent it.
const GONE_AWAY: u16 = 499;

/// A request that is not yet counted and logged. Dropped unanswered, it is as one whose client went away.
struct Watched {
    begun: Instant,
    under_way: Option<UnderWay>,
    peer: Option<SocketAddr>,
    route: String,
    path: String,
    method: Method,
    headers: HeaderMap,
    service: Service,
}

impl Watched {
    /// Counts and logs it, once.
    fn end(&mut self, status: StatusCode, sent: Option<u64>) {
        // Under way until it is in the books.
        let Some(_under_way) = self.under_way.take() else { return };
        // Methods that somebody made up would each be a time series.
        let known = if STANDARD.contains(&self.method.as_str()) { self.method.as_str() } else { "other" };
        self.service.metrics.done(&self.route, known, status, self.begun.elapsed());
        let agent = self.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let line = Access {
            time: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
            peer: self.peer,
            method: self.method.as_str(),
            path: &self.path,
            status: status.as_u16(),
            milliseconds: (self.begun.elapsed().as_secs_f64() * 1e6).round() / 1e3,
            received: length(&self.headers),
            sent,
            agent: agent.map(|agent| &agent[..agent.len().min(200)]),
        };
        if let Ok(line) = serde_json::to_string(&line) {
            (self.service.log)(&line);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Ok(status) = StatusCode::from_u16(GONE_AWAY) {
            self.end(status, None);
        }
    }
}

/// What a message says of its body's length.
fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Axum itself refuses a path whose escapes are no UTF-8, and does so in plain text: there is nothing at such a path.
fn in_json(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if response.status() == StatusCode::BAD_REQUEST && kind.is_none_or(|kind| kind != "application/json") {
        return Problem::new(StatusCode::NOT_FOUND, "there is nothing at a path that is no UTF-8").into_response();
    }
    response
}

/// Methods that are counted by name.
const STANDARD: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Answers 408 if the rest takes too long, its body included, and 413 to a body that says itself that it is too long.
pub(super) async fn limit(State(service): State<Service>, request: Request, next: Next) -> Response {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > super::BODY_LIMIT as u64) {
        return too_large().into_response();
    }
    let allowed = service.desk.timeout();
    tokio::time::timeout(allowed, next.run(request)).await.unwrap_or_else(|_| {
        let seconds = allowed.as_secs_f64();
        Problem::new(StatusCode::REQUEST_TIMEOUT, format!("not received and answered within {seconds} seconds"))
            .into_response()
    })
}

/// A service on a loopback address answers only to names of this machine, so that no page from elsewhere reaches it by
/// a name of its own that leads here (DNS rebinding).
pub(super) async fn local_name(State(service): State<Service>, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(|a| a.as_str()));
    if service.loopback && !host.is_some_and(is_local) {
        return Problem::new(StatusCode::FORBIDDEN, "this service answers to `localhost` and loopback addresses only")
            .into_response();
    }
    next.run(request).await
}

/// True for `localhost`, a loopback address, and either with a port.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if rest.is_empty() || rest.starts_with(':') => address,
        Some(_) => return false,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The answer to a path that there is none of.
pub(super) async fn not_found(request: Request) -> Problem {
    let path: String = request.uri().path().chars().take(80).collect();
    Problem::new(StatusCode::NOT_FOUND, format!("there is no `{path}` here; /api/openapi.json lists what there is"))
}

/// The answer to a method that a path does not have.
pub(super) async fn not_allowed(request: Request) -> Problem {
    let path: String = request.uri().path().chars().take(80).collect();
    let method: String = request.method().as_str().chars().take(20).collect();
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("`{path}` does not take {method}; see the Allow header"))
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn names_of_this_machine_are_known() {
        for host in ["localhost", "LocalHost:8028", "127.0.0.1", "127.0.0.1:80", "127.8.8.8:1", "[::1]", "[::1]:8028"] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "localhost.example.org",
            "127.0.0.1.example.org:80",
            "192.168.0.1:8028",
            "[::2]:1",
            "::",
            "[::1",
            "[::1]example.org",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
