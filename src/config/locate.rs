//! From the dotted path of a field to the line where it stands.

use toml_edit::{Document, Item};

/// `file:line` of a field (or of the nearest table around it that is in the file), or the file alone.
pub(super) fn line_of(file: &str, text: &str, field: &str) -> String {
    match Document::parse(text).ok().and_then(|document| nearest_span(document.as_item(), field)) {
        Some(start) => format!("{file}:{}", text[..start].matches('\n').count() + 1),
        None => file.to_owned(),
    }
}

/// Where the deepest item on the path starts.
fn nearest_span(root: &Item, field: &str) -> Option<usize> {
    let mut found = None;
    let mut item = root;
    for part in field.split(['.', '[']).map(|part| part.trim_end_matches(']')).filter(|part| !part.is_empty()) {
        let next = match part.parse::<usize>() {
            Ok(place) => item.get(place),
            Err(_) => {
                if let Some(table) = item.as_table_like()
                    && let Some(span) = table.get_key_value(part).and_then(|(key, _)| key.span())
                {
                    found = Some(span.start);
                }
                item.get(part)
            }
        };
        let Some(next) = next else { break };
        if part.parse::<usize>().is_ok()
            && let Some(span) = next.span()
        {
            found = Some(span.start);
        }
        item = next;
    }
    found
}
