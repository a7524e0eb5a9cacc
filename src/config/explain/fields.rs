//! The schema as a list of fields, grouped by their tables.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    schema::{DEFINITIONS, schema, sentence},
    toml_text::{inline, is_tag},
};
use crate::imaging;

/// Names of the definitions of recipes and of their steps.
const RECIPE: &str = "Recipe";
const STEP: &str = "Step";
/// Type of a recipe in words.
pub(super) const STEPS: &str = "name, or list of steps";

/// A table of a configuration, or one form of it.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Dotted path of the table, with the form behind it if there are several: `members.cnn.training`.
    pub path: String,
    /// The table as it is written in the file: `[data]`, `[[members]]` with `kind = "cnn"`.
    pub heading: String,
    /// Description of the table.
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
    let definitions = schema.get(DEFINITIONS).unwrap_or(&Value::Null);
    let mut walk = Walk { definitions, groups: Vec::new(), known: Vec::new() };
    walk.table(&Inner {
        path: String::new(),
        written: String::new(),
        heading: "the top of the file".to_owned(),
        about: "Keys at the top of the file.".to_owned(),
        schema: schema.clone(),
        definition: None,
    });
    for form in walk.forms(&walk.resolved(&json!({ "$ref": format!("#/{DEFINITIONS}/{STEP}") }))) {
        if let Some((_, name)) = tag(&form) {
            walk.table(&Inner {
                path: format!("step.{name}"),
                written: String::new(),
                heading: format!("`{{ step = \"{name}\" }}` in a list of steps"),
                about: description(&form),
                schema: form,
                definition: None,
            });
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

    /// The alternatives of a schema, each with what it refers to in its place; alternatives of alternatives among them.
    fn forms(&self, schema: &Value) -> Vec<Value> {
        let forms = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
        let mut all = Vec::new();
        for form in forms.into_iter().flatten() {
            let form = self.resolved(form);
            match self.forms(&form) {
                inner if inner.is_empty() => all.push(form),
                inner => all.extend(inner),
            }
        }
        all
    }

    /// Adds a table and then those inside it. `written`: its path in the file.
    fn table(&mut self, table: &Inner) {
        let empty = Map::new();
        let Inner { path, written, schema, .. } = table;
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required = |name: &str| {
            let names = schema.get("required").and_then(Value::as_array);
            names.is_some_and(|names| names.iter().any(|required| required == name))
        };
        let place = self.groups.len();
        self.groups.push(Group {
            path: path.clone(),
            heading: table.heading.clone(),
            about: table.about.clone(),
            same_as: None,
            fields: Vec::new(),
        });
        let mut inner = Vec::new();
        for (name, property) in properties {
            // The heading says which form it is.
            if is_tag(name) && property.get("const").is_some() {
                continue;
            }
            let below = |path: &str| if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let whole = self.resolved(property);
            let (field, tables) = self.field(&below(path), &below(written), property, &whole, required(name));
            self.groups[place].fields.push(field);
            inner.extend(tables);
        }
        for inner in inner {
            let known = inner.definition.as_ref().and_then(|name| self.known.iter().find(|(known, _)| known == name));
            let same_as = known.map(|(_, path)| path.clone());
            if let (None, Some(name)) = (&same_as, &inner.definition) {
                self.known.push((name.clone(), inner.path.clone()));
            }
            let begin = self.groups.len();
            self.table(&inner);
            if let Some(first) = same_as {
                for group in &mut self.groups[begin..] {
                    group.same_as = Some(format!("{first}{}", &group.path[inner.path.len()..]));
                }
            }
        }
    }

    /// A field, and the tables that it consists of.
    fn field(&self, path: &str, written: &str, property: &Value, whole: &Value, required: bool) -> (Field, Vec<Inner>) {
        let is_list = whole.get("items").is_some();
        let items = whole.get("items").unwrap_or(property);
        let element = if is_list { self.resolved(items) } else { whole.clone() };
        let definition = reference(items).map(str::to_owned);
        let brackets = if is_list { format!("`[[{written}]]`") } else { format!("`[{written}]`") };
        let forms = self.forms(&element);
        let mut tables = Vec::new();
        let (kind, allowed) = if definition.as_deref() == Some(RECIPE) {
            (STEPS.to_owned(), self.recipe_choices(&forms))
        } else if has_fields(&element) {
            let about = description(&element);
            let (path, written) = (path.to_owned(), written.to_owned());
            tables.push(Inner { path, written, heading: brackets, about, schema: element, definition });
            (if is_list { "list of tables" } else { "table" }.to_owned(), Vec::new())
        } else {
            let mut allowed = Vec::new();
            for form in &forms {
                let Some((key, name)) = tag(form) else {
                    allowed.extend(form_choices(form));
                    continue;
                };
                let about = description(form);
                allowed.push(Choice { value: format!("{{ {key} = \"{name}\" }}"), meaning: about.clone() });
                tables.push(Inner {
                    path: format!("{path}.{name}"),
                    written: written.to_owned(),
                    heading: format!("{brackets} with `{key} = \"{name}\"`"),
                    about,
                    definition: definition.as_ref().map(|definition| format!("{definition} {name}")),
                    schema: form.clone(),
                });
            }
            if forms.is_empty() {
                allowed = choices(&element);
            }
            let kind = kind_of(&element, &forms);
            (if is_list { format!("list of {}", plural(&kind)) } else { kind }, allowed)
        };
        let meaning = whole.get("description").and_then(Value::as_str).unwrap_or_default();
        let is_plain_table = tables.iter().any(|table| table.path == path);
        let field = Field {
            path: path.to_owned(),
            kind,
            required,
            default: whole.get("default").filter(|_| is_list || !is_plain_table).map(inline),
            allowed,
            meaning: without_default(meaning),
        };
        (field, tables)
    }

    /// Presets and steps.
    fn recipe_choices(&self, forms: &[Value]) -> Vec<Choice> {
        let names = forms.first().map(choices).unwrap_or_default();
        let steps = self.forms(&self.resolved(&json!({ "$ref": format!("#/{DEFINITIONS}/{STEP}") })));
        let meaning = |name: &str| {
            let step = steps.iter().find(|form| tag(form).is_some_and(|(_, step)| step == name));
            let of_step = step.map(|form| {
                let text = description(form);
                text.strip_prefix(&format!("`{name}`: ")).map_or(text.clone(), sentence)
            });
            of_step.or_else(|| imaging::describe_preset(name).map(str::to_owned)).unwrap_or_default()
        };
        names.into_iter().map(|choice| Choice { meaning: meaning(choice.value.trim_matches('"')), ..choice }).collect()
    }
}

/// A table inside another.
struct Inner {
    path: String,
    /// Path in the file, without the form.
    written: String,
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
    values.iter().map(|value| Choice { value: inline(value), meaning: String::new() }).collect()
}

/// Values that one of several forms allows: by name, or by their type.
fn form_choices(form: &Value) -> Vec<Choice> {
    let named = choices(form);
    if !named.is_empty() {
        return named;
    }
    let fields = form.get("properties").and_then(Value::as_object).into_iter().flatten();
    let written: Vec<_> = fields.map(|(key, value)| format!("{key} = {}", kind_of(value, &[]))).collect();
    let value = if written.is_empty() { kind_of(form, &[]) } else { format!("{{ {} }}", written.join(", ")) };
    vec![Choice { value, meaning: description(form) }]
}

/// Type of a schema with these forms in words.
fn kind_of(schema: &Value, forms: &[Value]) -> String {
    let of_value = |value: &Value| match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        _ => "value",
    };
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => match schema.get("items") {
            Some(items) => format!("list of {}", plural(&kind_of(items, &[]))),
            None => "list".to_owned(),
        },
        Some("object") => "table".to_owned(),
        Some(other) => other.to_owned(),
        None => {
            let named = schema.get("const").or_else(|| schema.get("enum").and_then(|values| values.get(0)));
            if let Some(value) = named {
                return of_value(value).to_owned();
            }
            let mut kinds: Vec<String> = Vec::new();
            for kind in forms.iter().map(|form| kind_of(form, &[])) {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            if kinds.is_empty() { "any value".to_owned() } else { kinds.join(" or ") }
        }
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
