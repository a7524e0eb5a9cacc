//! The bytes of an event file: protocol-buffer messages in TFRecord frames.
//!
//! A frame is the length of its message (8 bytes, little-endian), a checksum of the length, the message, a checksum of
//! the message. The messages are `tensorflow.Event` with a `Summary` of one `simple_value`, of the fields that are
//! needed (`event.proto`, `summary.proto`; <https://www.tensorflow.org/tutorials/load_data/tfrecord>).

/// Types of a field on the wire.
const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const BYTES: u32 = 2;
const FIXED_32: u32 = 5;

/// An event.
pub(super) struct Entry<'a> {
    /// Seconds since 1970.
    at: f64,
    /// Epoch, tree or iteration.
    step: i64,
    content: Content<'a>,
}

enum Content<'a> {
    /// Version of the format; the first event of a file.
    Version,
    /// Start of a session: what was read of an earlier file of this folder no longer holds.
    Start,
    /// Value of a curve.
    Scalar { tag: &'a str, value: f32 },
}

impl<'a> Entry<'a> {
    /// The first event of a file.
    pub(super) fn version(at: f64) -> Self {
        Self { at, step: 0, content: Content::Version }
    }

    /// The start of a session.
    pub(super) fn start(at: f64) -> Self {
        Self { at, step: 0, content: Content::Start }
    }

    /// A point of the curve `tag`.
    pub(super) fn scalar(at: f64, step: i64, tag: &'a str, value: f32) -> Self {
        Self { at, step, content: Content::Scalar { tag, value } }
    }

    fn message(&self) -> Vec<u8> {
        let mut event = Vec::new();
        key(&mut event, 1, FIXED_64);
        event.extend(self.at.to_le_bytes());
        // Zero is the default, which writers leave out.
        if self.step != 0 {
            key(&mut event, 2, VARINT);
            varint(&mut event, self.step as u64);
        }
        match self.content {
            Content::Version => bytes(&mut event, 3, b"brain.Event:2"),
            Content::Start => {
                let mut session = Vec::new();
                key(&mut session, 1, VARINT);
                varint(&mut session, 1);
                bytes(&mut event, 7, &session);
            }
            Content::Scalar { tag, value } => {
                let mut point = Vec::new();
                bytes(&mut point, 1, tag.as_bytes());
                key(&mut point, 2, FIXED_32);
                point.extend(value.to_le_bytes());
                let mut summary = Vec::new();
                bytes(&mut summary, 1, &point);
                bytes(&mut event, 5, &summary);
            }
        }
        event
    }
}

/// The frame of an event.
pub(super) fn record(entry: &Entry) -> Vec<u8> {
    let message = entry.message();
    let length = (message.len() as u64).to_le_bytes();
    let mut frame = length.to_vec();
    frame.extend(masked_checksum(&length).to_le_bytes());
    frame.extend(&message);
    frame.extend(masked_checksum(&message).to_le_bytes());
    frame
}

/// CRC-32C, rotated and shifted, so that a checksum of data that hold checksums stays one.
fn masked_checksum(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn key(out: &mut Vec<u8>, field: u32, kind: u32) {
    varint(out, u64::from(field << 3 | kind));
}

fn bytes(out: &mut Vec<u8>, field: u32, content: &[u8]) {
    key(out, field, BYTES);
    varint(out, content.len() as u64);
    out.extend(content);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
