//! The fields as a document: `docs/configuration.md`.

use super::fields::{Choice, Field, Group, STEPS, fields};

const HEAD: &str = "\
# Configuration

Every field of a configuration: of a run (`digitstack run`, `train`) or, with `[[stages]]`, of a search (`digitstack
tune`). `digitstack config list` names the ones inside the program, `digitstack config copy NAME` writes one to change,
`digitstack config check FILE` checks one, `digitstack config explain FIELD` prints what is here. Any field can be
changed on the command line: `--set members.cnn.training.epochs=3`, where a member is named by its `name`. In the paths
below a member is named by its kind, and so is any other table of several forms.

Editors that know JSON schemas complete and check the fields by [configuration.schema.json](configuration.schema.json);
with Taplo or Even Better TOML, a first line `#:schema PATH` names it.

This file is written by `digitstack config explain --markdown`.
";

/// The document: a section for each table, with its fields, types, defaults, allowed values and meanings.
pub fn markdown() -> String {
    let groups = fields();
    let mut text = HEAD.to_owned();
    for group in groups.iter().filter(|group| group.same_as.is_none()) {
        text.push_str(&section(group, &groups));
    }
    text
}

fn section(group: &Group, groups: &[Group]) -> String {
    let title = if group.path.is_empty() { "The file".to_owned() } else { format!("`{}`", group.path) };
    let mut text = format!("\n## {title}\n\n");
    text.push_str(&format!("Written as {}.", group.heading));
    if !group.about.is_empty() {
        text.push_str(&format!(" {}", escaped(&group.about)));
    }
    text.push_str("\n\n");
    if group.fields.is_empty() {
        return text.trim_end().to_owned() + "\n";
    }
    text.push_str("| field | type | default | meaning |\n|---|---|---|---|\n");
    for field in &group.fields {
        let default = match (&field.default, field.required) {
            (Some(default), _) => format!("`{}`", escaped(default)),
            (None, true) => "required".to_owned(),
            (None, false) => "–".to_owned(),
        };
        let mut meaning = escaped(&field.meaning);
        if field.kind == STEPS {
            meaning.push_str(&format!("<br>{}", names(&field.allowed)));
        } else {
            field.allowed.iter().for_each(|choice| meaning.push_str(&format!("<br>{}", listed(choice))));
        }
        meaning.push_str(&elsewhere(field, groups));
        text.push_str(&format!("| `{}` | {} | {default} | {meaning} |\n", field.name(), field.kind));
    }
    text
}

/// Where the same fields are explained, if that is not in a section of their own.
fn elsewhere(field: &Field, groups: &[Group]) -> String {
    let inner =
        groups.iter().find(|group| group.path == field.path || group.path.starts_with(&format!("{}.", field.path)));
    match inner.and_then(|group| group.same_as.as_ref()) {
        Some(first) => {
            let first = first.split('.').take(field.path.split('.').count()).collect::<Vec<_>>().join(".");
            format!("<br>Its fields are those of `{first}`.")
        }
        None => String::new(),
    }
}

fn listed(Choice { value, meaning }: &Choice) -> String {
    match meaning.is_empty() {
        true => format!("`{}`", escaped(value)),
        false => format!("`{}`: {}", escaped(value), escaped(meaning)),
    }
}

/// Names without their meanings, which the sections of the steps tell.
fn names(allowed: &[Choice]) -> String {
    allowed.iter().map(|choice| format!("`{}`", choice.value)).collect::<Vec<_>>().join(", ")
}

/// Text in a cell of a table.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
