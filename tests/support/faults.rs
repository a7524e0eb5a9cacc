//! Faults in the file operations of `digitstack`: a kill, a torn write, a full disk, an input/output error.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use super::{program::text, skip};

/// What happens at one file operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// SIGKILL before it.
    Kill,
    /// SIGKILL after it, or after the first half of the bytes of a write.
    Torn,
    /// ENOSPC from then on for every operation that needs space.
    NoSpace,
    /// EIO, once.
    IoError,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Kill, Self::Torn, Self::NoSpace, Self::IoError];

    /// Whether the process does not survive it.
    pub fn is_deadly(self) -> bool {
        matches!(self, Self::Kill | Self::Torn)
    }

    /// The operating system's words for the error, which the program should pass on.
    pub fn words(self) -> &'static str {
        match self {
            Self::Kill | Self::Torn => "",
            Self::NoSpace => "No space left on device",
            Self::IoError => "Input/output error",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kill => "kill",
            Self::Torn => "torn",
            Self::NoSpace => "enospc",
            Self::IoError => "eio",
        })
    }
}

/// The library that injects faults: `tests/support/faults.c`, compiled.
pub struct Injector {
    library: PathBuf,
}

impl Injector {
    /// Compiles the library once for each test program; skips the test where it cannot work.
    pub fn build() -> Option<&'static Self> {
        static INJECTOR: OnceLock<Result<Injector, String>> = OnceLock::new();
        match INJECTOR.get_or_init(Self::compile) {
            Ok(injector) => Some(injector),
            Err(missing) => {
                skip(missing);
                None
            }
        }
    }

    fn compile() -> Result<Self, String> {
        if !cfg!(all(target_os = "linux", target_env = "gnu")) {
            return Err("faults are injected by LD_PRELOAD, on Linux with glibc".to_owned());
        }
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.so");
        let output = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/faults.c"))
            .arg("-ldl")
            .output()
            .map_err(|error| format!("the C compiler `cc` does not start: {error}"))?;
        assert!(output.status.success(), "{}", text(&output.stderr));
        Ok(Self { library })
    }

    /// Runs a command without a fault and counts its file operations below `folder`, an absolute path without links.
    pub fn count(&self, mut command: Command, folder: &Path) -> (Output, u64) {
        let counted = tempfile::NamedTempFile::new().expect("a temporary file");
        let output = self.preload(&mut command, folder).env("FAULT_COUNT", counted.path()).output().expect("starts");
        let count = std::fs::read_to_string(counted.path()).expect("reads");
        (output, count.trim().parse().expect("a count"))
    }

    /// Runs a command with a fault at its file operation number `at`, from 1, below `folder`.
    pub fn strike(&self, mut command: Command, folder: &Path, fault: Fault, at: u64) -> Output {
        self.preload(&mut command, folder)
            .env("FAULT_KIND", fault.to_string())
            .env("FAULT_AT", at.to_string())
            .output()
            .expect("starts")
    }

    fn preload<'a>(&self, command: &'a mut Command, folder: &Path) -> &'a mut Command {
        command.env("LD_PRELOAD", &self.library).env("FAULT_FOLDER", folder)
    }
}
