//! Kinds of bad requests, one file for each layer that they attack, and what is expected of each.

mod bodies;
mod load;
mod paths;
mod pictures;
mod table;
mod wire;

/// What should come back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// This status, with a JSON body that says what is wrong.
    Error(u16),
    /// Status 200: harmless after all.
    Answered,
    /// Status 200, or the connection is closed: the service may find its client gone before it answers.
    AnsweredOrGone,
    /// The bytes are no HTTP, so that no route ever sees them: a bare 4xx, or the connection is closed.
    Bare,
}

/// One bad request.
pub struct Case {
    pub name: String,
    /// What is sent.
    pub bytes: Vec<u8>,
    /// Nothing is sent afterwards, and the service is told so.
    pub ends: bool,
    pub expected: Expected,
}

impl Case {
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>, expected: Expected) -> Self {
        Self { name: name.into(), bytes: bytes.into(), ends: false, expected }
    }

    /// The same; the client closes its side after it.
    pub fn and_end(self) -> Self {
        Self { ends: true, ..self }
    }
}
