//! Export of a log as a table.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use super::snapshot::StudySnapshot;

/// Columns before the parameters.
const COLUMNS: [&str; 7] = ["study", "stage", "number", "state", "value", "standard_error", "seconds"];

/// Writes all trials of all stages as CSV (RFC 4180, lines end in LF), one row for each trial.
///
/// Columns: `study`, `stage`, `number`, `state`, `value`, `standard_error` (the trials' attribute of that name),
/// `seconds`, then `params_<name>` for every parameter that any trial has, sorted by name. Missing values are empty.
///
/// # Errors
/// Errors of `writer`.
pub fn export_csv(snapshot: &StudySnapshot, mut writer: impl Write) -> io::Result<()> {
    let trials = || snapshot.studies.iter().flat_map(|study| study.trials.iter().map(move |trial| (study, trial)));
    let names: BTreeSet<&String> = trials().flat_map(|(_, trial)| trial.parameters.keys()).collect();
    write_row(
        &mut writer,
        COLUMNS.map(str::to_owned).into_iter().chain(names.iter().map(|name| format!("params_{name}"))),
    )?;
    for (study, trial) in trials() {
        let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
        let fixed = [
            study.study().to_owned(),
            study.stage().to_owned(),
            trial.number.to_string(),
            trial.state.name().to_owned(),
            number(trial.value),
            number(trial.attributes.get("standard_error").and_then(serde_json::Value::as_f64)),
            number(trial.seconds()),
        ];
        let parameters = names.iter().map(|name| trial.parameter(name).map_or_else(String::new, ToString::to_string));
        write_row(&mut writer, fixed.into_iter().chain(parameters))?;
    }
    writer.flush()
}

fn write_row(writer: &mut impl Write, fields: impl Iterator<Item = String>) -> io::Result<()> {
    let fields: Vec<String> = fields.map(quoted).collect();
    writeln!(writer, "{}", fields.join(","))
}

/// Quotes a field that a reader would otherwise misread.
fn quoted(field: String) -> String {
    if field.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}
