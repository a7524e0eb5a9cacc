//! Answers that web pages of other origins may read.

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::{super::origin::Origin, api_key::KEY_HEADER};

/// Header of the open inference protocol: length of the JSON before binary tensors.
const INFERENCE_HEADER: HeaderName = HeaderName::from_static("inference-header-content-length");
/// Time for which a browser need not ask again.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// Layer that answers preflight requests, and lets pages of these origins read responses; none if there are none.
/// Browsers send no credentials of their own: a page must set the key's header itself.
pub(in crate::serve) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = match origins.contains(&Origin::Any) {
        true => AllowOrigin::any(),
        false => AllowOrigin::list(origins.iter().filter_map(Origin::header)),
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_ENCODING,
            header::CONTENT_TYPE,
            INFERENCE_HEADER,
            KEY_HEADER,
        ])
        .expose_headers([header::RETRY_AFTER, INFERENCE_HEADER])
        .max_age(MAX_AGE);
    Some(layer)
}
