//! Picture files: any bytes are refused, or give a digit with ink.
#![no_main]

use digitstack::imaging::{DrawingOptions, decode_picture, is_picture, read_picture};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(picture) = decode_picture(bytes) else {
        assert!(read_picture(bytes, &DrawingOptions::default()).is_err());
        return;
    };
    assert!(is_picture(bytes));
    assert!(picture.width() > 0 && picture.height() > 0);
    if let Ok(extracted) = read_picture(bytes, &DrawingOptions::default()) {
        assert!(extracted.image.iter().any(|&level| level > 0));
    }
});
