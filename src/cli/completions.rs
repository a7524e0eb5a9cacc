//! `digitstack completions`.

use clap::Args;
use clap_complete::Shell;

use super::session::Session;

const HELP: &str = "\
Examples:
  digitstack completions bash > /etc/bash_completion.d/digitstack
  digitstack completions zsh > ~/.zfunc/_digitstack";

/// Print a script that completes commands and options in a shell
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct CompletionsArguments {
    /// Shell to write the script for
    shell: Shell,
}

impl CompletionsArguments {
    /// `program`: description of the whole command line.
    pub(super) fn execute(&self, mut program: clap::Command, session: &Session) -> anyhow::Result<()> {
        // In memory first: the generator panics where a writer fails.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "digitstack", &mut script);
        session.output.raw(&script)
    }
}
