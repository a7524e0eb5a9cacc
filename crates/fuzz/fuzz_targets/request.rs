//! Bodies of requests to the service: inference requests with tensors as bytes, forms, data URLs, JSON, compressed
//! bodies. Any bytes are refused with a message, or give images.
//!
//! The first byte selects what the rest is; of an inference request the next two are the length of its JSON.
#![no_main]

use digitstack::serve::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [kind, rest @ ..] = bytes else { return };
    match (kind, rest) {
        (b'i', [low, high, body @ ..]) => {
            let length = usize::from(u16::from_le_bytes([*low, *high]));
            fuzzing::inference(body, Some(length));
        }
        (b'j', body) => fuzzing::inference(body, None),
        (b'g', body) => fuzzing::picture("gzip", body),
        (b'd', body) => fuzzing::picture("deflate", body),
        (_, body) => fuzzing::picture("", body),
    }
});
