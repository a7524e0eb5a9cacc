//! The run directory: everything one run leaves behind, complete or resumable at any moment.
//!
//! ```text
//! artifacts/<name>/
//!   run.lock            locked while a process works here; holds its process id
//!   journal.txt         every path this program created, noted before it was created
//!   config.toml …       files, each written atomically
//!   models/cnn/fold-1/  a part: a folder that appears whole, with its own part.json
//!   scratch/            checkpoints of unfinished parts; gone when the run is complete
//!   report/             a derived part: made from the files above, replaced as a whole, with its own part.json
//!   timings.json        how long it took; differs between equal runs
//!   environment.json    where it was made; differs between equal runs
//!   manifest.json       size and SHA-256 of every file above, but for the lock, the journal and the report;
//!                       written last: its presence means "complete", and it never changes
//! ```
//!
//! Why this design: a crash between two files must never leave a mix of old and new that looks whole. So there are only
//! two ways to write: one file by rename ([`RunDirectory::write_atomic`]) or one folder by rename ([`PartWriter`],
//! [`DerivedWriter`]), and whatever has a temporary name is rubbish that the next [`RunDirectory::open`] removes. Files
//! outside run directories are written by [`write_file`], which replaces nothing by accident.
//!
//! # Guarantees, and where they end
//! - Survives `kill -9` and a panic at any moment: every finished file and part is kept, nothing half written is ever
//!   taken for finished.
//! - Survives a power cut as far as the disk honours `fsync`; on Windows the renames of the last moments may be undone,
//!   after which the part is simply done again.
//! - A full disk gives an error and leaves the state before; it does not let the run go on.
//! - Damage (bit rot, truncation, a file copied over) is found by hash before any parser sees the file: in parts when a
//!   run is resumed, in everything by [`verify`]. Malice is not: the manifest is not signed.
//! - Two processes never write to one directory on one machine; across machines that depends on the network file
//!   system.
//! - [`RunDirectory::open`] with `fresh` removes only what the journal lists: files that somebody put beside those
//!   stay, files that somebody put inside a part or `scratch/` go.

mod arrays;
mod atomic;
mod derived;
mod digest;
mod directory;
mod environment;
mod error;
mod files;
mod growing;
mod journal;
mod json;
mod listing;
mod lock;
mod manifest;
mod output;
mod part;
mod read;
mod relative_path;

pub use arrays::Notes;
pub(crate) use arrays::{Arrays, open};
pub(crate) use atomic::{AtomicFile, folder_of, leftovers, remove_leftovers, sync_folder, write_whole};
pub use derived::{DerivedWriter, REPORT};
pub use digest::Sha256Digest;
pub use directory::{
    RunDirectory, RunState, is_complete, is_run_directory, latest_complete, run_directories, verify,
    verify_without_derived,
};
pub use environment::{Commit, Environment, command_line, peak_memory};
pub use error::{Damage, StorageError};
pub(crate) use growing::{GrowingFile, is_output_or_partial};
pub use json::read_json;
pub(crate) use json::to_json;
pub use manifest::{Manifest, ManifestEntry};
pub(crate) use output::refuse_run_directory;
pub use output::{OutputFile, create_output_folder, write_file};
pub use part::{Part, PartWriter};
pub(crate) use read::{digest, open_regular, read_at_most, read_limited, read_text_limited};
pub use relative_path::RelativePath;
