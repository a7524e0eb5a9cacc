//! Configurations of runs and searches: any text is refused, or its resolved form parses to itself.
#![no_main]

use digitstack::config::{Override, RunConfig, SearchConfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // What stands behind a line of dashes is an override, as in --set.
    let (text, set) = text.split_once("\n---\n").unwrap_or((text, ""));
    let overrides: Vec<Override> = set.lines().filter_map(|line| Override::parse(line).ok()).collect();
    if let Ok(run) = RunConfig::parse("fuzz", text, &overrides) {
        let resolved = run.to_toml().expect("checked settings can be written");
        let again = RunConfig::parse("fuzz", &resolved, &[]).expect("what was resolved is valid");
        assert_eq!(again.to_toml().expect("as before"), resolved);
    }
    if let Ok(search) = SearchConfig::parse("fuzz", text, &overrides) {
        let resolved = search.to_toml().expect("checked settings can be written");
        let again = SearchConfig::parse("fuzz", &resolved, &[]).expect("what was resolved is valid");
        assert_eq!(again.to_toml().expect("as before"), resolved);
    }
});
