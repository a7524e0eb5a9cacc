//! IDX files: any bytes are refused, or the writer reproduces them exactly.
#![no_main]

use std::path::Path;

use digitstack::data::{idx, qmnist};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("fuzz");
    let mut written = Vec::new();
    if let Ok(images) = idx::decode_images(bytes, name) {
        idx::encode_images(&images, &mut written).expect("memory takes every byte");
        assert_eq!(written, bytes);
    } else if let Ok(labels) = idx::decode_labels(bytes, name) {
        idx::encode_labels(&labels, &mut written).expect("memory takes every byte");
        assert_eq!(written, bytes);
    } else if let Ok(labels) = qmnist::decode_labels(&mut &*bytes, name) {
        assert!(labels.iter().all(|&label| label < 10) && 12 + 4 * labels.len() <= bytes.len());
    }
});
