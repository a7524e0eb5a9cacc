//! Layers around every route, from the outside in: access log and security headers, `Host` check, limits.

pub(super) mod access_log;
pub(super) mod host;
pub(super) mod limits;
pub(super) mod security;
