//! Body of a request in memory, as it came and decompressed.

use axum::{body::Bytes, http::HeaderMap};

use super::{
    super::{connection::registry::Reserved, problem::Problem},
    coding::Coding,
};

/// Body of a request as it was sent, with the memory that is reserved for it.
pub(in crate::serve) struct Body {
    pub(super) bytes: Bytes,
    coding: Coding,
    /// Freed together with the bytes.
    pub(super) reserved: Reserved,
}

impl Body {
    /// Body that is already in memory.
    ///
    /// # Errors
    /// 415 if its `Content-Encoding` is not supported.
    pub(in crate::serve) fn new(headers: &HeaderMap, bytes: Bytes) -> Result<Self, Problem> {
        Ok(Self { bytes, coding: Coding::of(headers)?, reserved: Reserved::default() })
    }

    /// Decompresses the body; takes long for a large one.
    ///
    /// # Errors
    /// 400 if the compressed body is damaged, 413 if it decompresses to more than the limit.
    pub(in crate::serve) fn decompressed(self) -> Result<Decompressed, Problem> {
        let bytes = self.coding.decompress(self.bytes)?;
        Ok(Decompressed { bytes, _reserved: self.reserved })
    }
}

/// Decompressed body, with the memory that is reserved for it.
pub(in crate::serve) struct Decompressed {
    pub(in crate::serve) bytes: Bytes,
    _reserved: Reserved,
}
