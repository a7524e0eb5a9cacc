//! An environment variable for every option.
//!
//! A global option has `DIGITSTACK_` and its own name, such as `DIGITSTACK_THREADS` for `--threads`; an option of one
//! command has the command's name between, such as `DIGITSTACK_SERVE_PORT` for `serve --port`. What the command line
//! says goes before a variable, and a variable that is set to nothing counts as unset.

use std::{
    env,
    ffi::{OsStr, OsString},
};

use clap::{
    Arg, ArgAction, ArgMatches, Command,
    builder::{BoolishValueParser, StyledStr, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::printable;

/// Beginning of every variable's name.
const PREFIX: &str = "DIGITSTACK_";

/// How variables are used.
pub(super) const RULES: &str = "An environment variable stands for each option, unless it is set to nothing. The \
                                command line goes before a variable. A flag takes true or false, a list of hosts or \
                                origins has commas, and each KEY=VALUE of --set is a line of its own.";

/// Option with its variable.
#[derive(Debug)]
pub(super) struct Variable {
    /// Name of the variable.
    pub(super) name: String,
    /// Name of the option, without its dashes.
    pub(super) option: String,
}

/// The variables of a command's options that are shown. `command`: built; `path`: its names, `["data", "split"]`.
pub(super) fn of(command: &Command, path: &[&str]) -> Vec<Variable> {
    let own = path.iter().fold(PREFIX.to_owned(), |prefix, name| prefix + &upper(name) + "_");
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let variables = shown.filter_map(|argument| {
        let option = option(argument)?.to_owned();
        Some(Variable { name: named(argument, &option, &own), option })
    });
    variables.collect()
}

/// Adds to the help of every command how an option's variable is called.
pub(super) fn explained(command: Command, path: &[&str]) -> Command {
    let command = match (path, of(&command, path).first()) {
        ([_, ..], Some(Variable { name, option })) => {
            let help = command.get_after_help().map(|help| format!("{help}\n\n")).unwrap_or_default();
            command.after_help(format!("{help}Environment: {name} stands for --{option}, and so on for each option."))
        }
        _ => command,
    };
    command.mut_subcommands(|subcommand| {
        let name = subcommand.get_name().to_owned();
        explained(subcommand, &[path, &[&name]].concat())
    })
}

/// Parses arguments, with the variables where the arguments say nothing. `program`: the whole command line, unbuilt.
///
/// # Errors
/// Error of `clap` about wrong arguments, with the variable's name if the value is that of a variable.
pub(super) fn parse(program: &Command, arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let parsed = |ignored: &[&str]| with_variables(program.clone(), PREFIX, ignored).try_get_matches_from(arguments);
    let mut error = match parsed(&[]) {
        Err(error) if error.use_stderr() => error,
        parsed => return parsed,
    };
    // A name that is no text is none of an option.
    let names: Vec<String> = env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    let set: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.starts_with(PREFIX)).collect();
    let mut wrong: Vec<&str> = set.iter().copied().filter(|name| parsed(&[name]).is_ok()).collect();
    if let [name] = wrong[..]
        && error.kind() == ErrorKind::ArgumentConflict
    {
        return parsed(&[name]);
    }
    if wrong.is_empty() && parsed(&set).is_ok() {
        wrong = set;
    }
    if !wrong.is_empty() {
        let tip = StyledStr::from(format!("this comes from the environment: {}", wrong.join(", ")));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    Err(without_control(error, &wrong))
}

/// Replaces control characters in an error that quotes the values of variables.
fn without_control(error: clap::Error, variables: &[&str]) -> clap::Error {
    let text = error.render().to_string();
    let values = variables.iter().filter_map(env::var_os).map(|value| value.to_string_lossy().into_owned());
    let shown = values.fold(text.clone(), |text, value| text.replace(&value, &printable::name(&value)));
    match shown == text {
        true => error,
        false => clap::Error::raw(error.kind(), shown.strip_prefix("error: ").unwrap_or(&shown)),
    }
}

/// Gives every option its variable, but for those that are `ignored`.
fn with_variables(command: Command, prefix: &str, ignored: &[&str]) -> Command {
    let command = command.mut_args(|argument| {
        let Some(option) = option(&argument) else { return argument };
        let name = named(&argument, option, prefix);
        let value = env::var_os(&name).filter(|value| !value.is_empty() && !ignored.contains(&name.as_str()));
        match value {
            None => argument,
            Some(value) if is_flag(&argument) => {
                let argument = argument.value_parser(BoolishValueParser::new());
                // A flag that is off is as if it were not there: it contradicts no other option.
                if is_off(&value) { argument } else { argument.env(name).hide_env(true) }
            }
            Some(_) => argument.env(name).hide_env(true),
        }
    });
    command.mut_subcommands(|subcommand| {
        let prefix = format!("{prefix}{}_", upper(subcommand.get_name()));
        with_variables(subcommand, &prefix, ignored)
    })
}

/// Name of an option's variable; `own`: its beginning for the command's own options.
fn named(argument: &Arg, option: &str, own: &str) -> String {
    let prefix = if argument.is_global_set() { PREFIX } else { own };
    prefix.to_owned() + &upper(option)
}

/// The long name of an option; none for other arguments and for `--help` and `--version`.
fn option(argument: &Arg) -> Option<&str> {
    let sets = !matches!(
        argument.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    );
    argument.get_long().filter(|_| sets)
}

fn is_flag(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::SetTrue)
}

fn is_off(value: &OsStr) -> bool {
    let parsed = BoolishValueParser::new().parse_ref(&Command::new(""), None, value);
    parsed.is_ok_and(|is_on| !is_on)
}

/// A name as it stands in a variable's.
fn upper(name: &str) -> String {
    name.replace('-', "_").to_ascii_uppercase()
}
