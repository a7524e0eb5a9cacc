//! Numbers of things in words.

/// `1 column`, `2 columns`, `0 columns`.
pub(super) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
