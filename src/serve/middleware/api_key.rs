//! Check of API keys.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::super::{problem::Problem, state::Service};

/// Header with a key, for callers that do not use `Authorization`.
pub(in crate::serve) const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");
/// Paths that need no key: what watches the service asks for them, and the document says that there are keys. None of
/// them tells anything of the run.
pub(in crate::serve) const OPEN_PATHS: [&str; 3] = ["/v2/health/live", "/v2/health/ready", "/api/openapi.json"];
/// Ways to show a key, as a challenge. Browsers ask their user for a name and a password where `Basic` is among them.
const CHALLENGES: [&str; 2] = ["Bearer realm=\"digitstack\"", "Basic realm=\"digitstack\", charset=\"UTF-8\""];

/// Answers 401 to a request that shows none of the service's keys, if it has any.
pub(in crate::serve) async fn check(State(service): State<Service>, request: Request, next: Next) -> Response {
    let is_open = OPEN_PATHS.contains(&request.uri().path());
    let refused = service.api_keys.as_ref().filter(|_| !is_open).and_then(|keys| {
        let shown = shown_keys(request.headers());
        let message = match shown.as_slice() {
            [] => "this service needs a key: send `Authorization: Bearer KEY` or `X-API-Key: KEY`",
            shown if shown.iter().any(|key| keys.accept(key)) => return None,
            _ => "the key is none of this service's",
        };
        Some(Problem::new(StatusCode::UNAUTHORIZED, message))
    });
    match refused {
        None => next.run(request).await,
        Some(problem) => {
            let mut response = problem.into_response();
            for challenge in CHALLENGES {
                response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            response
        }
    }
}

/// Keys in the headers of a request: as a bearer's token, as the password of any user, or in a header of their own.
fn shown_keys(headers: &HeaderMap) -> Vec<String> {
    let authorizations = headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
        let credentials = credentials.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(credentials.to_owned()),
            "basic" => {
                let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
                decoded.split_once(':').map(|(_, password)| password.to_owned())
            }
            _ => None,
        }
    });
    let own =
        headers.get_all(KEY_HEADER).iter().filter_map(|value| value.to_str().ok().map(|key| key.trim().to_owned()));
    authorizations.chain(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_each_header_that_may_have_one() {
        let shown = |headers: &[(&'static str, &'static str)]| {
            let named =
                headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            shown_keys(&named.collect())
        };
        for (name, value) in [
            ("authorization", "Bearer secret"),
            ("authorization", "bearer   secret"),
            ("authorization", "Basic YW55Ym9keTpzZWNyZXQ="),
            ("authorization", "basic OnNlY3JldA=="),
            ("x-api-key", "secret"),
        ] {
            assert_eq!(shown(&[(name, value)]), ["secret"], "{name}: {value}");
        }
        for (name, value) in [
            ("authorization", "secret"),
            ("authorization", "Basic secret"),
            ("authorization", "Basic c2VjcmV0"),
            ("authorization", "Digest secret"),
            ("cookie", "secret"),
        ] {
            assert!(shown(&[(name, value)]).is_empty(), "{name}: {value}");
        }
        assert_eq!(shown(&[("authorization", "Bearer one"), ("x-api-key", "two")]), ["one", "two"]);
    }
}
