//! `digitstack man`.

use std::{io, path::PathBuf};

use clap::{Args, Command};
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};
use serde::Serialize;

use super::{session::Session, variables};
use crate::storage;

const HELP: &str = "\
The pages are called digitstack.1, digitstack-run.1, digitstack-data-split.1 and so on.

Examples:
  digitstack man ~/.local/share/man/man1       then `man digitstack-run` finds the page
  digitstack man pages                         then `man -l pages/digitstack-serve.1` shows one";

/// Text at the foot of every page of the manual.
const MANUAL: &str = "digitstack manual";
/// Beginning of the paragraph of a help text that has examples.
const EXAMPLES: &str = "Examples:\n";
/// Beginning of the paragraph that says what the exit codes mean.
const EXIT_CODES: &str = "Exit codes: ";

/// Write the manual for `man`, one page for each command
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct ManArguments {
    /// Folder to write to; it is created if it is missing
    out: PathBuf,
    /// Replace files of these names
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Written {
    folder: String,
    pages: Vec<String>,
}

impl ManArguments {
    /// `program`: description of the whole command line.
    pub(super) fn execute(&self, program: Command, session: &Session) -> anyhow::Result<()> {
        let pages = pages(program)?;
        storage::create_output_folder(&self.out)?;
        for (name, page) in &pages {
            storage::write_file(&self.out.join(name), page, self.force)?;
        }
        let (folder, count) = (self.out.display().to_string(), pages.len());
        session.output.line(format!("{count} pages in {folder}"))?;
        session.output.json(&Written { folder, pages: pages.into_iter().map(|(name, _)| name).collect() })
    }
}

/// File name and text of each page.
fn pages(program: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add_pages(&program, &mut Vec::new(), &mut pages)?;
    Ok(pages)
}

fn add_pages<'a>(command: &'a Command, path: &mut Vec<&'a str>, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let page = Man::new(command.clone()).source(concat!("digitstack ", env!("CARGO_PKG_VERSION"))).manual(MANUAL);
    pages.push((page.get_filename(), render(&page, command, path)?));
    for subcommand in command.get_subcommands() {
        path.push(subcommand.get_name());
        add_pages(subcommand, path, pages)?;
        path.pop();
    }
    Ok(())
}

fn render(page: &Man, command: &Command, path: &[&str]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (sections, description): (Vec<&str>, Vec<&str>) =
        help.split("\n\n").partition(|part| part.starts_with(EXAMPLES) || part.starts_with(EXIT_CODES));
    let mut roff = Roff::new();
    description.iter().for_each(|part| paragraph(&mut roff, part));
    roff.to_writer(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    let mut roff = Roff::new();
    environment(&mut roff, command, path);
    for section in sections {
        if let Some(examples) = section.strip_prefix(EXAMPLES) {
            roff.control("SH", ["EXAMPLES"]);
            literal(&mut roff, examples.lines());
        } else if let Some(codes) = section.strip_prefix(EXIT_CODES) {
            roff.control("SH", ["EXIT STATUS"]);
            roff.text([roman(codes)]);
        }
    }
    if !path.is_empty() {
        roff.control("SH", ["SEE ALSO"]);
        roff.text([bold("digitstack"), roman("(1)")]);
    }
    roff.to_writer(&mut text)?;
    Ok(text)
}

/// A paragraph of a help text: lines that are indented stay lines.
fn paragraph(roff: &mut Roff, text: &str) {
    roff.control("PP", []);
    let lines: Vec<&str> = text.lines().collect();
    for block in lines.chunk_by(|one, next| one.starts_with(' ') == next.starts_with(' ')) {
        if block.iter().any(|line| line.starts_with(' ')) {
            literal(roff, block.iter().copied());
        } else {
            block.iter().for_each(|line| {
                roff.text([roman(*line)]);
            });
        }
    }
}

fn literal<'a>(roff: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
}

/// The variable of each option.
fn environment(roff: &mut Roff, command: &Command, path: &[&str]) {
    let variables = variables::of(command, path);
    if variables.is_empty() {
        return;
    }
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([roman(variables::RULES)]);
    for variable in variables {
        roff.control("TP", []);
        roff.text([bold(variable.name)]);
        roff.text([bold(format!("--{}", variable.option))]);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::program, *};

    #[test]
    fn every_command_has_a_page_with_its_options_and_their_variables() {
        let mut expected = vec!["digitstack.1".to_owned()];
        for command in program().get_subcommands() {
            expected.push(format!("digitstack-{}.1", command.get_name()));
            let subcommands = command.get_subcommands();
            expected
                .extend(subcommands.map(|inner| format!("digitstack-{}-{}.1", command.get_name(), inner.get_name())));
        }
        let pages = pages(program()).unwrap();
        let names: Vec<&String> = pages.iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected.iter().collect::<Vec<_>>());
        let page = |wanted: &str| {
            let (_, text) = pages.iter().find(|(name, _)| name == wanted).unwrap();
            String::from_utf8(text.clone()).unwrap()
        };
        let serve = page("digitstack-serve.1");
        for words in ["\\-\\-port", "DIGITSTACK_SERVE_ALLOW_HOST", "DIGITSTACK_THREADS", ".SH EXAMPLES", "/api/predict"]
        {
            assert!(serve.contains(words), "{words}: {serve}");
        }
        assert!(!serve.contains("DIGITSTACK_SEED") && page("digitstack-run.1").contains("DIGITSTACK_SEED"));
        assert!(page("digitstack-data-split.1").contains("DIGITSTACK_DATA_SPLIT_TRAIN"));
        assert!(page("digitstack.1").contains(".SH \"EXIT STATUS\""));
    }
}
