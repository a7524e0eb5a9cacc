//! Study logs: any bytes are refused, or give studies whose trials are numbered in order; an incomplete last line
//! changes nothing before it.
//!
//! A mutated line fails its checksum, so that little behind it would be reached: the bytes are tried as they are, and
//! once more with the checksums of all lines recomputed.
#![no_main]

use std::path::Path;

use digitstack::tuning::log::{StudySnapshot, export_csv};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

const MEMBER: &[u8] = b",\"sha256\":\"";

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&sealed(bytes));
});

/// Gives every whole line the checksum of the file before it, in place of the one that it has.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut log = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(object) = line.strip_suffix(b"}\n") else {
            log.extend(line);
            continue;
        };
        let end = object.windows(MEMBER.len()).rposition(|window| window == MEMBER).unwrap_or(object.len());
        log.extend(&object[..end]);
        let digest: String = Sha256::digest(&log).iter().map(|byte| format!("{byte:02x}")).collect();
        log.extend(MEMBER);
        log.extend(digest.as_bytes());
        log.extend(b"\"}\n");
    }
    log
}

fn check(bytes: &[u8]) {
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
}
