//! Validator for the part of JSON Schema (OpenAPI 3.1) that the service's document uses. Unknown keywords are an error,
//! and so are fields of a value that the document does not name.

use serde_json::{Map, Value};

/// Keywords that do not constrain a value, and `additionalProperties`, since fields without a name are refused anyway.
const NOTES: [&str; 5] = ["description", "title", "example", "format", "additionalProperties"];
/// Keywords that are checked.
const CHECKED: [&str; 10] =
    ["$ref", "type", "properties", "required", "items", "enum", "minimum", "maximum", "oneOf", "anyOf"];

/// A document of OpenAPI 3.1.
pub struct Document(pub Value);

impl Document {
    /// Operations: path, method in capitals, and definition.
    pub fn operations(&self) -> Vec<(&str, String, &Value)> {
        let paths = self.0["paths"].as_object().expect("paths");
        let operations = paths.iter().flat_map(|(path, item)| {
            item.as_object()
                .expect("a path")
                .iter()
                .map(move |(method, operation)| (path.as_str(), method.to_uppercase(), operation))
        });
        operations.collect()
    }

    /// Resolves a reference.
    fn resolve<'a>(&'a self, schema: &'a Value) -> Result<&'a Value, String> {
        let Some(reference) = schema.get("$ref") else { return Ok(schema) };
        let pointer = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
        let found = pointer.and_then(|pointer| self.0.pointer(pointer));
        found.ok_or_else(|| format!("{reference} leads nowhere"))
    }

    /// Checks a value against a schema.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.resolve(schema)?;
        let keywords = keywords(schema)?;
        if let Some(types) = keywords.get("type") {
            let allowed = types.as_array().map_or_else(|| std::slice::from_ref(types), Vec::as_slice);
            if !allowed.iter().any(|name| is_of(value, name.as_str().unwrap_or_default())) {
                return Err(format!("{value} is not of type {types}"));
            }
        }
        if let Some(values) = keywords.get("enum")
            && !values.as_array().is_some_and(|values| values.contains(value))
        {
            return Err(format!("{value} is none of {values}"));
        }
        if let Some(number) = value.as_f64() {
            let bound = |name: &str| {
                keywords.get(name).map(|bound| bound.as_f64().ok_or(format!("{name} {bound}"))).transpose()
            };
            if bound("minimum")?.is_some_and(|bound| number < bound)
                || bound("maximum")?.is_some_and(|bound| number > bound)
            {
                return Err(format!("{value} is out of bounds: {schema}"));
            }
        }
        if let (Some(values), Some(items)) = (value.as_array(), keywords.get("items")) {
            for (index, value) in values.iter().enumerate() {
                self.check(items, value).map_err(|error| format!("[{index}]: {error}"))?;
            }
        }
        if let Some(fields) = value.as_object() {
            self.check_fields(keywords, fields)?;
        }
        let matching = |schemas: &Value| {
            schemas.as_array().into_iter().flatten().filter(|schema| self.check(schema, value).is_ok()).count()
        };
        if keywords.get("oneOf").is_some_and(|schemas| matching(schemas) != 1) {
            return Err(format!("{value} does not match one of {schema}"));
        }
        if keywords.get("anyOf").is_some_and(|schemas| matching(schemas) == 0) {
            return Err(format!("{value} matches none of {schema}"));
        }
        Ok(())
    }

    fn check_fields(&self, keywords: &Map<String, Value>, fields: &Map<String, Value>) -> Result<(), String> {
        let required =
            keywords.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        if let Some(missing) = required.into_iter().find(|name| !fields.contains_key(*name)) {
            return Err(format!("`{missing}` is missing"));
        }
        let Some(properties) = keywords.get("properties").and_then(Value::as_object) else { return Ok(()) };
        for (name, value) in fields {
            let schema = properties.get(name).ok_or_else(|| format!("`{name}` is not in the document"))?;
            self.check(schema, value).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }

    /// Checks that every schema of the document has known keywords only and every reference resolves; returns their
    /// number.
    pub fn check_itself(&self) -> Result<usize, String> {
        let mut schemas: Vec<&Value> = self.0["components"]["schemas"].as_object().expect("schemas").values().collect();
        for (.., operation) in self.operations() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            schemas.extend(parameters.map(|parameter| &parameter["schema"]));
            let bodies =
                operation["responses"].as_object().expect("responses").values().chain(operation.get("requestBody"));
            let contents = bodies.filter_map(|body| body["content"].as_object());
            schemas.extend(contents.flat_map(Map::values).map(|content| &content["schema"]));
        }
        let mut count = 0;
        while let Some(schema) = schemas.pop() {
            count += 1;
            self.resolve(schema)?;
            let keywords = keywords(schema)?;
            schemas.extend(keywords.get("items"));
            schemas.extend(keywords.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::values));
            schemas.extend(["oneOf", "anyOf"].iter().filter_map(|name| keywords.get(*name)?.as_array()).flatten());
        }
        Ok(count)
    }
}

/// Keywords of a schema, if all are known.
fn keywords(schema: &Value) -> Result<&Map<String, Value>, String> {
    let keywords = schema.as_object().ok_or_else(|| format!("{schema} is no schema"))?;
    let unknown = keywords.keys().find(|name| !NOTES.contains(&name.as_str()) && !CHECKED.contains(&name.as_str()));
    unknown.map_or(Ok(keywords), |name| Err(format!("the keyword `{name}` is not known to this check: {schema}")))
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
