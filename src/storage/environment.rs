//! Program, machine and command line of a run.

use std::process::Command;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Contents of `environment.json`. Two equal runs may differ in it, so [`super::Manifest::reproducible_hash`] leaves it
/// out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The program's name.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Commit of the Git repository that holds the current directory, if there is one and `git` can be run.
    pub commit: Option<Commit>,
    /// When this was collected: `2026-03-09T17:05:00Z`.
    pub time: String,
    /// Operating system, with its release where that can be read.
    pub os: String,
    /// Instruction set: `x86_64`.
    pub architecture: String,
    /// Model of the processor; empty if unknown.
    pub cpu: String,
    /// Hardware threads that the process may use.
    pub threads: usize,
    /// The device that nets are trained on.
    pub device: String,
    /// The command and its arguments.
    pub command_line: Vec<String>,
    /// The most memory that the process has held at once so far, in bytes; none where the system does not tell (only
    /// Linux does).
    #[serde(default)]
    pub peak_memory: Option<u64>,
}

/// The state of a working copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Its full hash.
    pub hash: String,
    /// True if tracked files differ from it.
    pub dirty: bool,
}

impl Environment {
    /// Asks the machine. `device` describes what nets are trained on; `command_line` is the command and its arguments.
    ///
    /// Fields that the system does not tell are left empty: this never fails.
    pub fn collect(device: &str, command_line: Vec<String>) -> Self {
        Self {
            program: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: commit(),
            time: utc(Timestamp::now()),
            os: operating_system(),
            architecture: std::env::consts::ARCH.to_owned(),
            cpu: processor(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            device: device.to_owned(),
            command_line,
            peak_memory: peak_memory(),
        }
    }
}

/// Arguments of this process, the program's name first. Bytes that are not UTF-8 become U+FFFD.
pub fn command_line() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

/// The most memory that this process has held at once, in bytes: the high-water mark of its resident pages. None where
/// that cannot be read.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes: u64 = value_of(&status, "VmHWM", ':')?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024 * kibibytes)
}

/// Standard output of a command that succeeds.
fn output_of(command: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(command).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn commit() -> Option<Commit> {
    let hash = output_of("git", &["rev-parse", "HEAD"])?;
    let dirty =
        output_of("git", &["status", "--porcelain", "--untracked-files=no"]).is_none_or(|changes| !changes.is_empty());
    Some(Commit { hash, dirty })
}

fn operating_system() -> String {
    let release = match std::env::consts::OS {
        "linux" => std::fs::read_to_string("/etc/os-release").ok().and_then(|text| value_of(&text, "PRETTY_NAME", '=')),
        "macos" => output_of("sw_vers", &["-productVersion"]).map(|version| format!("macOS {version}")),
        _ => None,
    };
    release.unwrap_or_else(|| std::env::consts::OS.to_owned())
}

fn processor() -> String {
    let model = match std::env::consts::OS {
        "linux" => std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| value_of(&text, "model name", ':')),
        "macos" => output_of("sysctl", &["-n", "machdep.cpu.brand_string"]),
        "windows" => std::env::var("PROCESSOR_IDENTIFIER").ok(),
        _ => None,
    };
    model.unwrap_or_default()
}

/// The value of the first line `key <separator> value`, without quotes.
fn value_of(text: &str, key: &str, separator: char) -> Option<String> {
    let value = |line: &str| {
        line.split_once(separator).filter(|(name, _)| name.trim() == key).map(|(_, value)| value.to_owned())
    };
    text.lines().find_map(value).map(|value| value.trim().trim_matches('"').to_owned())
}

/// Formats a time as `2026-03-09T17:05:00Z`.
fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // From `date -u -d @…`.
        let utc = |seconds| utc(Timestamp::from_second(seconds).unwrap());
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(utc(4_102_444_800), "2100-01-01T00:00:00Z");
    }

    #[test]
    fn files_of_keys_and_values_are_read() {
        let text = "processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nmodel name\t: other\n";
        assert_eq!(value_of(text, "model name", ':').unwrap(), "A CPU @ 2 GHz");
        assert_eq!(value_of("NAME=x\nPRETTY_NAME=\"Debian 13\"\n", "PRETTY_NAME", '=').unwrap(), "Debian 13");
        assert_eq!(value_of(text, "cpu", ':'), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_of_the_memory_counts_what_was_held_and_let_go() {
        let before = peak_memory().unwrap();
        drop(std::hint::black_box(vec![1_u8; 3 * before as usize / 2]));
        assert!(peak_memory().unwrap() > before + before / 3, "{before} {:?}", peak_memory());
    }

    #[test]
    fn an_environment_survives_its_file() {
        let environment = Environment::collect("CPU", vec!["digitstack".to_owned(), "run".to_owned()]);
        assert!(environment.threads > 0 && environment.program == "digitstack");
        let text = serde_json::to_string(&environment).unwrap();
        assert_eq!(serde_json::from_str::<Environment>(&text).unwrap(), environment);
    }
}
