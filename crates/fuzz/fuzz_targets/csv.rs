//! CSV tables: any bytes are refused, or give rows that either all have a label or all have none, with enough text for
//! the pixels of each row.
#![no_main]

use std::path::Path;

use digitstack::data::{PIXELS, csv};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let rows: Vec<_> = csv::Rows::new(bytes, Path::new("fuzz")).map_while(Result::ok).collect();
    assert!(rows.iter().all(|row| row.label.is_some() == rows[0].label.is_some()));
    assert!(rows.len() * (2 * PIXELS - 1) <= bytes.len());
    assert!(rows.iter().all(|row| row.label.is_none_or(|label| label < 10)));
    if let Ok(table) = csv::parse(bytes, Path::new("fuzz")) {
        assert_eq!(table.images.len(), rows.len());
    }
});
