//! Settings of the service.

use std::{net::IpAddr, sync::Arc, time::Duration};

use super::{api_keys::ApiKeys, origin::Origin};
use crate::imaging::DrawingOptions;

/// Longest request body, in bytes, before and after it is decompressed.
pub(super) const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;

/// Receiver of log lines.
pub(super) type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// Settings of the service.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Names besides those of this machine by which requests may address the service, in their `Host` header; `*` is
    /// any name.
    pub allowed_hosts: Vec<String>,
    /// Origins of other web pages that may read answers.
    pub allowed_origins: Vec<Origin>,
    /// Keys of which a request must show one; without them none is needed.
    pub api_keys: Option<ApiKeys>,
    /// Conversion of pictures to 28×28 images; a request may override `centre` and `ink`.
    pub drawing: DrawingOptions,
    /// Maximum number of prediction requests that are received and not yet answered; those beyond are answered 429.
    pub in_flight: usize,
    /// Request timeout, from the end of its head to its response.
    pub timeout: Duration,
    /// Number of worker threads of the engine.
    pub threads: usize,
}
