//! Any bytes are refused or give studies whose trials are numbered in order, which a torn last line does not change.
#![no_main]

use std::path::Path;

use digitstack::tuning::log::{StudySnapshot, export_csv};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = Path::new("fuzz");
    let Ok(snapshot) = StudySnapshot::parse(bytes, name) else { return };
    for study in &snapshot.studies {
        assert!(study.trials.iter().map(|trial| trial.number).eq(0..study.trials.len() as u64));
    }
    export_csv(&snapshot, std::io::sink()).expect("a sink takes every byte");
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    assert_eq!(snapshot.torn_line.is_some(), whole < bytes.len());
    // NaN differs from itself, so what is compared is how it is written.
    let without = StudySnapshot::parse(&bytes[..whole], name).expect("its lines were read before");
    assert_eq!(format!("{:?}", without.studies), format!("{:?}", snapshot.studies));
});
