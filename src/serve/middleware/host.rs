//! Check of the `Host` header.

use axum::{
    extract::{Request, State},
    http::{StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::super::{
    problem::{Problem, shortened},
    state::Service,
};

/// Answers 400 to a request without exactly one `Host` (RFC 9112, 3.2), and 403 if it names another host than the
/// service accepts. A host in the request line must be accepted, too.
pub(in crate::serve) async fn check(State(service): State<Service>, request: Request, next: Next) -> Response {
    match refusal(&service, &request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

fn refusal(service: &Service, request: &Request) -> Option<Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Some(Problem::bad_request("the request has several `Host` headers; send one"));
    }
    if host.is_none() && request.version() >= Version::HTTP_11 {
        return Some(Problem::bad_request("the request has no `Host` header"));
    }
    // What is no text is a host that is not accepted.
    let named = host.map(|host| host.to_str().unwrap_or("?"));
    let targeted = request.uri().authority().map(|authority| authority.as_str());
    let both = [named, targeted];
    let refused = match both {
        [None, None] => (!service.hosts.accepts_none()).then_some(""),
        _ => both.into_iter().flatten().find(|host| !service.hosts.accepts(host)),
    };
    let (host, expected) = (shortened(refused?, 80), service.hosts.expected());
    let message = format!("found the host `{host}`, accepted: {expected}; `serve --allow-host NAME` accepts another");
    Some(Problem::new(StatusCode::FORBIDDEN, message))
}
