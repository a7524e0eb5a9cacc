//! Checks of HTML pages and SVG figures.

/// Text of a file.
pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Checks that elements nest and attributes are quoted; returns how many elements there are.
pub fn check_markup(name: &str, text: &str) -> usize {
    const VOID: [&str; 3] = ["meta", "link", "br"];
    let mut open: Vec<&str> = Vec::new();
    let mut elements = 0;
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        assert!(
            !rest[..start].contains('>') || open.last() == Some(&"style"),
            "{name}: stray > in {:?}",
            &rest[..start]
        );
        rest = &rest[start + 1..];
        if rest.starts_with("!DOCTYPE") {
            rest = &rest[rest.find('>').unwrap() + 1..];
            continue;
        }
        let mut quoted = false;
        let end = rest
            .char_indices()
            .find(|(_, c)| {
                quoted ^= *c == '"';
                *c == '>' && !quoted
            })
            .unwrap_or_else(|| panic!("{name}: an element does not end: {:.80}", rest))
            .0;
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        assert!(!tag.contains('<'), "{name}: < inside <{tag}>");
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{name}");
            continue;
        }
        elements += 1;
        let element = tag.trim_end_matches('/').split_whitespace().next().unwrap();
        if !tag.ends_with('/') && !VOID.contains(&element) {
            open.push(element);
        }
    }
    assert!(open.is_empty(), "{name}: {open:?} are never closed");
    elements
}
