//! Files that give no digit.

use std::path::Path;

use crate::data::{
    PictureProblem, PictureProblemKind,
    error::{DataError, Result},
};

/// Files that an error names; the others are counted.
const SHOWN: usize = 50;

/// A file that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedFile {
    /// The file, relative to the data folder.
    pub file: String,
    /// The problem.
    pub problem: PictureProblem,
}

/// The files as a CSV table: `file,reason,problem`.
pub fn skipped_csv(files: &[SkippedFile]) -> String {
    let mut table = "file,reason,problem\n".to_owned();
    for SkippedFile { file, problem } in files {
        table += &format!("{},{},{}\n", quoted(file), problem.kind.name(), quoted(&problem.message));
    }
    table
}

/// A CSV field on one line, quoted if it needs to be. Control characters, and those that change the direction of writing,
/// are replaced, so that a file's name cannot speak to a terminal.
pub fn quoted(text: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text: String = text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect();
    if text.contains(['"', ',', ';']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The number of files for each reason: "1 unreadable, 2 blank".
fn reasons(skipped: &[SkippedFile]) -> String {
    let count = |kind: PictureProblemKind| skipped.iter().filter(|file| file.problem.kind == kind).count();
    let counts = PictureProblemKind::ALL.map(|kind| (count(kind), kind.name()));
    let counts: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
    counts.join(", ")
}

/// The files that were passed over, in one line.
pub(super) fn summary(skipped: &[SkippedFile], files: usize, root: &Path) -> String {
    let first = &skipped[0];
    let more = match skipped.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    format!(
        "{}: {} of {files} files passed over ({}): {} ({}){more}",
        root.display(),
        skipped.len(),
        reasons(skipped),
        first.file.escape_debug(),
        first.problem
    )
}

/// Refuses a greater share than `most`.
///
/// # Errors
/// [`DataError::Layout`] with a list of the files.
pub(super) fn check(skipped: &[SkippedFile], files: usize, most: f64, root: &Path) -> Result<()> {
    if skipped.len() as f64 <= most * files as f64 {
        return Ok(());
    }
    let mut lines: Vec<String> = skipped
        .iter()
        .take(SHOWN)
        .map(|SkippedFile { file, problem }| format!("  {}: {problem}", file.escape_debug()))
        .collect();
    lines.extend((skipped.len() > SHOWN).then(|| format!("  and {} more", skipped.len() - SHOWN)));
    let problem = format!(
        "{} of {files} files give no digit ({}), more than the share of {most} that data.max_skipped allows; mend or \
         remove them, or allow more:\n{}",
        skipped.len(),
        reasons(skipped),
        lines.join("\n")
    );
    Err(DataError::Layout { path: root.to_owned(), problem })
}
