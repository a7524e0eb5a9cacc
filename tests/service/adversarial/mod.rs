//! Bad requests, one file for each layer that they attack, with the answer that is expected to each.

mod bodies;
mod load;
mod paths;
mod pictures;
mod table;
mod wire;

pub use load::memory;

/// Expected answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// This status, with a JSON body that says what is wrong.
    Error(u16),
    /// Status 200: the request is odd but valid.
    Answered,
    /// A 4xx with a JSON body, and a line in the log: the bytes are not HTTP, and no route sees them.
    NoRequest,
    /// The connection is closed.
    Silence,
}

/// One bad request.
pub struct Case {
    pub name: String,
    /// Bytes to send.
    pub bytes: Vec<u8>,
    /// The client closes its side after the bytes.
    pub ends: bool,
    pub expected: Expected,
}

impl Case {
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>, expected: Expected) -> Self {
        Self { name: name.into(), bytes: bytes.into(), ends: false, expected }
    }

    /// This case, with the client's side closed after the bytes.
    pub fn and_end(self) -> Self {
        Self { ends: true, ..self }
    }
}
