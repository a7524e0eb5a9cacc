//! `digitstack config`.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use clap::{
    Args, Subcommand,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};
use serde::Serialize;

use super::{failure::UsageError, output::Output, session::Session};
use crate::{
    config::{
        ConfigKind, Experiment, RunConfig, SHIPPED, SearchConfig, ShippedConfig,
        explain::{self, Field, Group},
    },
    storage::OutputFile,
};

const HELP: &str = "\
Examples:
  digitstack config list
  digitstack config copy mnist-cpu my.toml      a file to change
  digitstack config explain epochs              every field of that name
  digitstack config explain members.cnn         every field of a CNN
  digitstack config check my.toml
  digitstack run mnist-cpu                      runs a shipped configuration by its name";

/// List, show, copy, explain and check configurations
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct ConfigArguments {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// List the shipped configurations; all are inside the program
    #[command(after_help = "Examples:\n  digitstack config list\n  digitstack config list --json")]
    List,
    /// Print a shipped configuration
    #[command(after_help = "Examples:\n  digitstack config show quickstart\n  digitstack config show tuning/quick")]
    Show(ShowArguments),
    /// Write a shipped configuration into a file, to change it
    #[command(after_help = "Examples:\n  digitstack config copy mnist-cpu\n  \
                            digitstack config copy families/kaggle my.toml")]
    Copy(CopyArguments),
    /// Explain the fields of a configuration: type, default, allowed values, meaning
    #[command(after_help = "Examples:\n  digitstack config explain\n  digitstack config explain data.test\n  \
                            digitstack config explain optimizer --json\n  \
                            digitstack config explain --schema > configuration.schema.json")]
    Explain(ExplainArguments),
    /// Check a configuration as `run` or `tune` would, and print what it amounts to
    #[command(after_help = "Examples:\n  digitstack config check my.toml\n  \
                            digitstack config check mnist-cpu --set stacking.folds=4")]
    Check(CheckArguments),
}

/// Shipped configuration.
#[derive(Args, Debug)]
struct ShowArguments {
    /// Name of a shipped configuration, as `digitstack config list` prints it
    #[arg(value_parser = ShippedName, value_name = "NAME", hide_possible_values = true)]
    shipped: &'static ShippedConfig,
}

/// Shipped configuration, and where to write it.
#[derive(Args, Debug)]
struct CopyArguments {
    /// Name of a shipped configuration, as `digitstack config list` prints it
    #[arg(value_parser = ShippedName, value_name = "NAME", hide_possible_values = true)]
    shipped: &'static ShippedConfig,
    /// File to write [default: the last part of the name, with .toml]
    file: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

/// Fields to explain.
#[derive(Args, Debug)]
struct ExplainArguments {
    /// Field or table: a dotted path such as data.test, or its end [default: every field]
    field: Option<String>,
    /// Print everything as the document docs/configuration.md
    #[arg(long, conflicts_with_all = ["field", "schema", "json"])]
    markdown: bool,
    /// Print the JSON schema for editors
    #[arg(long, conflicts_with_all = ["field", "json"])]
    schema: bool,
}

/// File to check.
#[derive(Args, Debug)]
struct CheckArguments {
    /// TOML file, or the name of a shipped configuration
    file: PathBuf,
}

impl ConfigArguments {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let output = &session.output;
        match &self.command {
            ConfigCommand::List => list(output),
            ConfigCommand::Show(arguments) => output.raw(arguments.shipped.text.as_bytes()),
            ConfigCommand::Copy(arguments) => arguments.execute(output),
            ConfigCommand::Explain(arguments) => arguments.execute(output),
            ConfigCommand::Check(arguments) => check(&arguments.file, session),
        }
    }

    /// True if `--set` and `--seed` change what the command works on.
    pub(super) fn takes_overrides(&self) -> bool {
        matches!(self.command, ConfigCommand::Check(_))
    }
}

/// Parser of the name of a shipped configuration, whole or its last part; shells complete the whole names.
#[derive(Clone)]
struct ShippedName;

impl TypedValueParser for ShippedName {
    type Value = &'static ShippedConfig;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let find = |name: String| {
            ShippedConfig::find(&name, None).ok_or_else(|| {
                let names = SHIPPED.iter().map(|shipped| shipped.name).collect::<Vec<_>>().join(", ");
                format!("no configuration of that name is inside the program; there are {names}")
            })
        };
        StringValueParser::new().try_map(find).parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(SHIPPED.iter().map(|shipped| PossibleValue::new(shipped.name))))
    }
}

fn list(output: &Output) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Entry {
        name: &'static str,
        kind: ConfigKind,
        description: String,
    }
    let entry =
        |shipped: &ShippedConfig| Entry { name: shipped.name, kind: shipped.kind, description: shipped.description() };
    let entries: Vec<Entry> = SHIPPED.iter().map(entry).collect();
    output.json(&entries)?;
    let widest = entries.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
    output.lines(
        entries
            .iter()
            .map(|Entry { name, kind, description }| format!("{name:<widest$}  {:<6}  {description}", kind.name())),
    )
}

impl CopyArguments {
    fn execute(&self, output: &Output) -> anyhow::Result<()> {
        let shipped = self.shipped;
        let last = shipped.name.rsplit('/').next().unwrap_or(shipped.name);
        let path = self.file.clone().unwrap_or_else(|| PathBuf::from(format!("{last}.toml")));
        let file = OutputFile::open(&path, self.force).map_err(|error| UsageError(error.to_string()))?;
        file.write(shipped.text.as_bytes())?;
        output.json(&serde_json::json!({ "name": shipped.name, "file": path.display().to_string() }))?;
        output.line(format!("{}: a copy of {}", path.display(), shipped.name))
    }
}

impl ExplainArguments {
    fn execute(&self, output: &Output) -> anyhow::Result<()> {
        if self.markdown {
            return output.raw(explain::markdown().as_bytes());
        }
        if self.schema {
            return output.raw(format!("{}\n", serde_json::to_string_pretty(&explain::schema())?).as_bytes());
        }
        let groups = explain::fields();
        let Some(asked) = &self.field else {
            output.json(&groups)?;
            return output.lines(groups.iter().flat_map(summary));
        };
        let found = matching(&groups, asked);
        if found.is_empty() {
            return Err(unknown(&groups, asked).into());
        }
        output.json(&found)?;
        output.lines(found.iter().flat_map(|field| details(field)))
    }
}

/// Fields that a path or the end of one stands for; of a table its fields.
fn matching<'a>(groups: &'a [Group], asked: &str) -> Vec<&'a Field> {
    let asked = asked.replace("[]", "").replace(['[', ']'], "");
    let all = || groups.iter().flat_map(|group| &group.fields);
    let is_end = |path: &str| path == asked || path.strip_suffix(&asked).is_some_and(|rest| rest.ends_with('.'));
    let below = format!("{asked}.");
    let exact: Vec<_> = all().filter(|field| field.path == asked || field.path.starts_with(&below)).collect();
    if !exact.is_empty() {
        return exact;
    }
    let is_inside = |path: &str| is_end(path) || path.contains(&format!(".{below}"));
    all().filter(|field| is_inside(&field.path)).collect()
}

/// The refusal of a field that does not exist, with those that look like it.
fn unknown(groups: &[Group], asked: &str) -> UsageError {
    let last = asked.rsplit('.').next().unwrap_or(asked).to_lowercase();
    let mut alike: Vec<&str> = Vec::new();
    for field in groups.iter().flat_map(|group| &group.fields) {
        let name = field.name();
        let is_alike = !last.is_empty() && (name.contains(&last) || last.contains(name));
        if is_alike && alike.len() < 8 && !alike.contains(&field.path.as_str()) {
            alike.push(&field.path);
        }
    }
    let hint = match alike.is_empty() {
        true => "`digitstack config explain` lists every field".to_owned(),
        false => format!("did you mean one of {}?", alike.join(", ")),
    };
    UsageError(format!("{asked}: no field of that name; {hint}"))
}

/// A table: one line for each field.
fn summary(group: &Group) -> Vec<String> {
    let title =
        if group.path.is_empty() { group.heading.clone() } else { format!("{}: {}", group.path, group.heading) };
    let mut lines = vec![String::new(), title];
    if let Some(first) = &group.same_as {
        lines.push(format!("  the fields of {first}"));
        return lines;
    }
    for field in &group.fields {
        let first = field.meaning.split_inclusive(". ").next().unwrap_or_default();
        lines.push(format!("  {:<24} {} {}", field.name(), first.trim_end(), default_in_words(field)));
    }
    lines
}

fn default_in_words(field: &Field) -> String {
    match (&field.default, field.required) {
        (Some(default), _) => format!("[{default}]"),
        (None, true) => "[required]".to_owned(),
        (None, false) => String::new(),
    }
}

fn details(field: &Field) -> Vec<String> {
    let default = match (&field.default, field.required) {
        (Some(default), _) => default.as_str(),
        (None, true) => "required",
        (None, false) => "none",
    };
    let mut lines = vec![
        field.path.clone(),
        format!("  type: {}   default: {default}", field.kind),
        format!("  {}", field.meaning),
    ];
    for choice in &field.allowed {
        let meaning = if choice.meaning.is_empty() { String::new() } else { format!("  {}", choice.meaning) };
        lines.push(format!("    {:<20}{meaning}", choice.value));
    }
    lines
}

/// A configuration that was checked.
struct Checked {
    kind: ConfigKind,
    experiment: Experiment,
    stages: usize,
    resolved: String,
}

fn check(file: &Path, session: &Session) -> anyhow::Result<()> {
    let output = &session.output;
    let overrides = session.overrides()?;
    let checked = match ConfigKind::of(file)? {
        ConfigKind::Run => {
            let config = RunConfig::load(Some(file), &overrides)?;
            Checked { kind: ConfigKind::Run, resolved: config.to_toml()?, stages: 0, experiment: config.experiment }
        }
        ConfigKind::Search => {
            let config = SearchConfig::load(Some(file), &overrides)?;
            let (resolved, stages) = (config.to_toml()?, config.stages.len());
            Checked { kind: ConfigKind::Search, resolved, stages, experiment: config.experiment }
        }
    };
    let Checked { kind, experiment, stages, resolved } = checked;
    let members: Vec<_> = experiment
        .members
        .iter()
        .map(|member| serde_json::json!({ "name": member.name(), "summary": member.summary() }))
        .collect();
    output.json(&serde_json::json!({
        "file": file.display().to_string(),
        "kind": kind,
        "name": experiment.name,
        "seed": experiment.seed,
        "members": members,
        "folds": experiment.stacking.folds,
        "stages": stages,
        "resolved": resolved,
    }))?;
    let command = if kind == ConfigKind::Run { "run" } else { "tune" };
    output.line(format!("{}: valid, for `digitstack {command}`", file.display()))?;
    output.line(format!("  name {}, seed {}, data from {}", experiment.name, experiment.seed, source(&experiment)))?;
    let metas: Vec<_> = experiment.stacking.meta.iter().map(crate::stacking::MetaConfig::name).collect();
    output.line(format!("  {} folds, combined by {}", experiment.stacking.folds, metas.join(", ")))?;
    output.lines(experiment.members.iter().map(|member| format!("  {:<10} {}", member.name(), member.summary())))?;
    if stages > 0 {
        output.line(format!("  {stages} stages"))?;
    }
    Ok(())
}

/// Where the digits come from, in a few words.
fn source(experiment: &Experiment) -> String {
    let data = &experiment.data;
    match (&data.sources[..], &data.path) {
        ([], None) => data.source.name().to_owned(),
        ([], Some(path)) => format!("{} in {}", data.source.name(), path.display()),
        _ => format!("{} sources: {}", data.sources.len(), data.source_names().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_path_by_end_and_by_table() {
        let groups = explain::fields();
        let paths = |asked: &str| matching(&groups, asked).iter().map(|field| field.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths("data.test"), ["data.test"]);
        assert_eq!(paths("data.sources[].repeat"), ["data.sources.repeat"]);
        let sorted = |mut paths: Vec<String>| {
            paths.sort();
            paths
        };
        let both = paths("training.epochs").into_iter().chain(paths("step.epochs")).collect();
        assert_eq!(sorted(paths("epochs")), sorted(both));
        assert!(paths("training.epochs").contains(&"members.cnn.training.epochs".to_owned()));
        assert!(paths("members.cnn").len() > 40 && paths("members.knn").contains(&"members.knn.knn.k".to_owned()));
        assert!(paths("optimizer").len() > 10);
        assert!(paths("no-such-field").is_empty() && paths("poch").is_empty());
        assert!(unknown(&groups, "training.epoch").to_string().contains("training.epochs"));
        assert!(unknown(&groups, "zzz").to_string().contains("lists every field"));
    }
}
