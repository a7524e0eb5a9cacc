//! Layers around every route, from the outside in: access log and security headers, `Host` check, other origins, API
//! keys, limits.

pub(super) mod access_log;
pub(super) mod api_key;
pub(super) mod cors;
pub(super) mod host;
pub(super) mod limits;
pub(super) mod security;
