//! The schema as a list of fields, grouped by their tables.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    schema::{DEFINITIONS, schema},
    toml_text::{inline, is_tag},
};

/// A table of a configuration, or one form of it.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Dotted path of the table, with the form behind it if there are several: `members.cnn.training`.
    pub path: String,
    /// The table as it is written: `[data]`, `[[members]]` with `kind = "cnn"`.
    pub heading: String,
    /// What the table is.
    pub about: String,
    /// Path of an earlier group with the very same fields; none if these are the first of their kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Field {
    /// Dotted path: `members.cnn.training.epochs`.
    pub path: String,
    /// Type in words: `integer`, `list of numbers`, `table`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it must be there.
    pub required: bool,
    /// Default, as TOML; none if there is no value without one.
    pub default: Option<String>,
    /// Words or forms that are allowed; empty if the meaning says what is.
    pub allowed: Vec<Choice>,
    /// Meaning, unit and range.
    pub meaning: String,
}

/// An allowed value or form.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// The value as TOML.
    pub value: String,
    /// Its meaning; empty if its name says it.
    pub meaning: String,
}

impl Field {
    /// Name of the field in its table.
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or(&self.path)
    }
}

/// Every table of a configuration with its fields.
pub fn fields() -> Vec<Group> {
    let schema = schema();
    let mut walk =
        Walk { definitions: schema.get(DEFINITIONS).unwrap_or(&Value::Null), groups: Vec::new(), known: Vec::new() };
    walk.table(&schema, "", "the file", "Keys at the top of the file.");
    let steps = walk.resolved(&serde_json::json!({ "$ref": format!("#/{DEFINITIONS}/Step") }));
    for form in forms(&steps) {
        let form = walk.resolved(form);
        if let Some((_, name)) = tag(&form) {
            let heading = format!("`step = \"{name}\"` in a list of steps");
            let about = description(&form);
            walk.table(&form, &format!("step.{name}"), &heading, &about);
        }
    }
    walk.groups
}

struct Walk<'a> {
    definitions: &'a Value,
    groups: Vec<Group>,
    /// Names of definitions whose fields are listed, with the path of their group.
    known: Vec<(String, String)>,
}

impl Walk<'_> {
    /// A schema with what it refers to in its place; what is said beside the reference counts more.
    fn resolved(&self, schema: &Value) -> Value {
        let Some(name) = reference(schema) else { return schema.clone() };
        let mut whole = self.definitions.get(name).cloned().unwrap_or(Value::Null);
        if reference(&whole).is_some() {
            whole = self.resolved(&whole);
        }
        if let (Value::Object(whole), Value::Object(own)) = (&mut whole, schema) {
            whole.extend(own.iter().filter(|(key, _)| *key != "$ref").map(|(key, value)| (key.clone(), value.clone())));
        }
        whole
    }

    /// Adds a table and then those inside it.
    fn table(&mut self, schema: &Value, path: &str, heading: &str, about: &str) {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required = |name: &str| {
            let names = schema.get("required").and_then(Value::as_array);
            names.is_some_and(|names| names.iter().any(|required| required == name))
        };
        let place = self.groups.len();
        self.groups.push(Group {
            path: path.to_owned(),
            heading: heading.to_owned(),
            about: about.to_owned(),
            same_as: None,
            fields: Vec::new(),
        });
        let mut inner = Vec::new();
        for (name, property) in properties {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let whole = self.resolved(property);
            let (field, tables) = self.field(&path, property, &whole, required(name));
            self.groups[place].fields.push(field);
            inner.extend(tables);
        }
        for Inner { path, heading, about, schema, definition } in inner {
            let known = definition.as_ref().and_then(|name| self.known.iter().find(|(known, _)| known == name));
            let same_as = known.map(|(_, path)| path.clone());
            if let (None, Some(name)) = (&same_as, definition) {
                self.known.push((name, path.clone()));
            }
            let begin = self.groups.len();
            self.table(&schema, &path, &heading, &about);
            if let Some(first) = same_as {
                for group in &mut self.groups[begin..] {
                    group.same_as = Some(format!("{first}{}", &group.path[path.len()..]));
                }
            }
        }
    }

    /// A field, and the tables that it consists of.
    fn field(&self, path: &str, property: &Value, whole: &Value, required: bool) -> (Field, Vec<Inner>) {
        let mut tables = Vec::new();
        let is_list = whole.get("items").is_some() && reference(property) != Some("Recipe");
        let element =
            whole.get("items").filter(|_| is_list).map_or_else(|| whole.clone(), |items| self.resolved(items));
        let definition = reference(whole.get("items").filter(|_| is_list).unwrap_or(property)).map(str::to_owned);
        let brackets = if is_list { format!("[[{path}]]") } else { format!("[{path}]") };
        let is_recipe = definition.as_deref() == Some("Recipe");
        let mut allowed = Vec::new();
        let kind = if is_recipe {
            allowed = self.recipe_choices(&element);
            "name, or list of steps".to_owned()
        } else if has_fields(&element) {
            let about = description(&element);
            let table =
                Inner { path: path.to_owned(), heading: format!("`{brackets}`"), about, schema: element, definition };
            tables.push(table);
            if is_list { "list of tables" } else { "table" }.to_owned()
        } else {
            let mut is_form = false;
            for form in forms(&element) {
                let form = self.resolved(form);
                match tag(&form) {
                    Some((key, name)) => {
                        is_form = true;
                        allowed
                            .push(Choice { value: format!("{{ {key} = \"{name}\" }}"), meaning: description(&form) });
                        tables.push(Inner {
                            path: format!("{path}.{name}"),
                            heading: format!("`{brackets}` with `{key} = \"{name}\"`"),
                            about: description(&form),
                            definition: definition.as_ref().map(|definition| format!("{definition} {name}")),
                            schema: form,
                        });
                    }
                    None => allowed.extend(choices(&form)),
                }
            }
            if allowed.is_empty() {
                allowed = choices(&element);
            }
            match (is_form, is_list) {
                (true, true) => "list of tables".to_owned(),
                (true, false) if allowed.len() == tables.len() => "table".to_owned(),
                (false, true) => format!("list of {}", plural(&kind_of(&element))),
                _ => kind_of(&element),
            }
        };
        let meaning = whole.get("description").and_then(Value::as_str).unwrap_or_default();
        let default =
            whole.get("default").filter(|_| kind != "table" || !tables.iter().any(|table| table.path == path));
        let field = Field {
            path: path.to_owned(),
            kind,
            required,
            default: default.map(inline),
            allowed,
            meaning: without_default(meaning),
        };
        (field, tables)
    }

    /// Presets and steps.
    fn recipe_choices(&self, recipe: &Value) -> Vec<Choice> {
        let names = recipe.get("anyOf").and_then(|forms| forms.get(0)).map(choices).unwrap_or_default();
        let steps = self.resolved(&serde_json::json!({ "$ref": format!("#/{DEFINITIONS}/Step") }));
        let step = |value: &str| {
            let forms = forms(&steps).iter().map(|form| self.resolved(form));
            forms.into_iter().find(|form| tag(form).is_some_and(|(_, name)| value == format!("\"{name}\"")))
        };
        let explained = |choice: Choice| {
            let meaning = step(&choice.value).map_or_else(|| "A preset.".to_owned(), |form| description(&form));
            Choice { meaning, ..choice }
        };
        names.into_iter().map(explained).collect()
    }
}

/// A table inside another.
struct Inner {
    path: String,
    heading: String,
    about: String,
    schema: Value,
    definition: Option<String>,
}

/// Name of the definition that a schema refers to.
fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

fn description(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn has_fields(schema: &Value) -> bool {
    schema.get("properties").and_then(Value::as_object).is_some_and(|fields| !fields.is_empty())
}

/// Alternatives of a schema.
fn forms(schema: &Value) -> &[Value] {
    let forms = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
    forms.map_or(&[], Vec::as_slice)
}

/// Key and value that select this form of a table.
fn tag(form: &Value) -> Option<(String, String)> {
    let properties = form.get("properties")?.as_object()?;
    properties
        .iter()
        .filter(|(key, _)| is_tag(key))
        .find_map(|(key, property)| Some((key.clone(), property.get("const")?.as_str()?.to_owned())))
}

/// Values that a schema allows by name.
fn choices(schema: &Value) -> Vec<Choice> {
    if let Some(value) = schema.get("const") {
        return vec![Choice { value: inline(value), meaning: description(schema) }];
    }
    let values = schema.get("enum").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let choice = |value: &Value| Choice { value: inline(value), meaning: String::new() };
    if !values.is_empty() {
        return values.iter().map(choice).collect();
    }
    if has_fields(schema) {
        // A table with one key, such as `{ range = [0, 1] }`.
        let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let written = fields.map(|(key, value)| format!("{key} = {}", kind_of(value))).collect::<Vec<_>>().join(", ");
        return vec![Choice { value: format!("{{ {written} }}"), meaning: description(schema) }];
    }
    match schema.get("description").is_some() && schema.get("type").is_some() && forms(schema).is_empty() {
        true if schema.get("items").is_none() && schema.get("default").is_none() => {
            vec![Choice { value: kind_of(schema), meaning: description(schema) }]
        }
        _ => Vec::new(),
    }
}

/// Type of a schema in words.
fn kind_of(schema: &Value) -> String {
    if let Some(kind) = schema.get("type").and_then(Value::as_str) {
        return match kind {
            "array" => match schema.get("items") {
                Some(items) => format!("list of {}", plural(&kind_of(items))),
                None => "list".to_owned(),
            },
            "object" => "table".to_owned(),
            other => other.to_owned(),
        };
    }
    let of_const = |value: &Value| match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        _ => "value",
    };
    if let Some(value) = schema.get("const") {
        return of_const(value).to_owned();
    }
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return of_const(first).to_owned();
    }
    let mut kinds: Vec<String> = Vec::new();
    for form in forms(schema) {
        let kind = kind_of(form);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    match kinds.is_empty() {
        true => "any value".to_owned(),
        false => kinds.join(" or "),
    }
}

fn plural(kind: &str) -> String {
    match kind.split_once(' ') {
        Some(("list", rest)) => format!("lists {rest}"),
        Some(("any", _)) => "values".to_owned(),
        _ => format!("{kind}s"),
    }
}

/// A meaning without the sentence about the default at its end, which is said by itself.
fn without_default(meaning: &str) -> String {
    match meaning.rfind("Default ") {
        Some(at) if is_last_sentence(&meaning[at..]) && is_plain_default(&meaning[at..]) => {
            meaning[..at].trim_end().to_owned()
        }
        _ => meaning.to_owned(),
    }
}

fn is_last_sentence(text: &str) -> bool {
    text.trim_end_matches('.').find(". ").is_none()
}

/// True for "Default 3.", but not for "Default: all that the files hold", which says more than a value.
fn is_plain_default(text: &str) -> bool {
    text.strip_prefix("Default ").is_some_and(|value| {
        let value = value.trim_end_matches('.');
        !value.contains([':', ';', ' ']) || value.split(", ").all(|part| !part.contains([' ', ':', ';']))
    })
}
