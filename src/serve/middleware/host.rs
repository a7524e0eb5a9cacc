//! `Host` check against DNS rebinding.

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::super::{problem::Problem, state::Service};

/// Answers 403 if the service listens on a loopback address and `Host` is not a name of this machine, so that no page
/// of another origin can reach it by a DNS name that resolves to the loopback address (DNS rebinding).
pub(in crate::serve) async fn check(State(service): State<Service>, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    if service.loopback && !host.is_some_and(is_local) {
        let message = "this service accepts only `localhost` and loopback addresses as host";
        return Problem::new(StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(request).await
}

/// True for `localhost` and loopback addresses, with or without a port.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if rest.is_empty() || rest.starts_with(':') => address,
        Some(_) => return false,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn names_of_this_machine_are_recognised() {
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
