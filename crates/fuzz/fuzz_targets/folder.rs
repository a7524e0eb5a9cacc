//! Names in a folder, separated by line ends: any names are sorted, each folder into one place, and classes are digits.
//! A name that ends in `/` is a folder's.
#![no_main]

use digitstack::data::layout::{Entry, sort_names};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let entry = |line: &str| match line.strip_suffix('/') {
        Some(name) => Entry { name: name.to_owned(), is_folder: true },
        None => Entry { name: line.to_owned(), is_folder: false },
    };
    let entries: Vec<Entry> = text.lines().map(entry).collect();
    let folders = entries.iter().filter(|entry| entry.is_folder).count();
    let names = sort_names(&entries);
    let parts: usize = names.parts.iter().map(Vec::len).sum();
    assert_eq!(names.classes.len() + parts + names.folders.len(), folders);
    assert!(names.classes.iter().all(|(class, _)| *class < 10));
});
