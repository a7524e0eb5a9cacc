//! Text from elsewhere (names of files, labels, values) before it goes to a terminal.
//!
//! A file's name may hold any character. A control character would move the cursor, recolour or clear the screen, or
//! type on the keyboard's behalf; one that changes the direction of writing makes a line read otherwise than it is. So
//! everything that is printed for people goes through [`printable`]. Results for programs are not changed: JSON has
//! escapes of its own ([`json`]), and CSV files are written by the library.

use std::{borrow::Cow, fmt::Write, path::Path};

/// Replaces control characters, and characters that change the direction of writing, by their escapes: `\u{1b}`.
///
/// A line break stays if the next line belongs to the same message: indented, as this program continues its messages,
/// or a line of a file that is quoted with its number (`12 | …`). Any other one is escaped, so that no name can begin a
/// line of its own.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for (at, character) in text.char_indices() {
        match character {
            '\n' if continues(&text[at + 1..]) => shown.push('\n'),
            character if is_harmful(character) => {
                let _ = write!(shown, "{}", character.escape_default());
            }
            character => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// Replaces every such character of a name, line breaks included.
pub(super) fn name(text: &str) -> Cow<'_, str> {
    match text.contains('\n') {
        true => Cow::Owned(text.split('\n').map(printable).collect::<Vec<_>>().join("\\n")),
        false => printable(text),
    }
}

/// A path in a command line as a shell takes it: in quotes if it needs them.
pub(super) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |character: char| character.is_alphanumeric() || "_-./:@%+,=".contains(character);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// JSON text with every such character escaped, those included that JSON itself leaves as they are.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    let is_left = |character: char| is_harmful(character) && character != '\n';
    if !text.contains(is_left) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match is_left(character) {
            true => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            false => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

fn is_harmful(character: char) -> bool {
    let changes_direction =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks_line = matches!(character, '\u{2028}' | '\u{2029}');
    (character.is_control() && character != '\t') || changes_direction || breaks_line
}

/// Tells whether the text behind a line break continues the message.
fn continues(rest: &str) -> bool {
    let line = rest.trim_start_matches('\n').split('\n').next().unwrap_or_default();
    line.is_empty() || line.starts_with(' ') || line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(" |")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_in_command_lines_are_quoted_where_a_shell_would_change_them() {
        let word = |path: &str| shell_word(Path::new(path));
        assert_eq!(word("artifacts/mnist-cpu/a_1.png"), "artifacts/mnist-cpu/a_1.png");
        assert_eq!(word("a b.png"), "'a b.png'");
        assert_eq!(word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn names_cannot_speak_to_a_terminal_and_messages_stay_readable() {
        assert_eq!(printable("café ✓ 10 %\tµ"), "café ✓ 10 %\tµ");
        assert_eq!(printable("a\u{1b}[2Jb\r\u{9b}\u{7f}"), "a\\u{1b}[2Jb\\r\\u{9b}\\u{7f}");
        assert_eq!(printable("photo\u{202e}gnp.exe"), "photo\\u{202e}gnp.exe");
        assert_eq!(printable("a\nerror: forged"), "a\\nerror: forged");
        assert_eq!(printable("a\n\nerror: forged"), "a\\n\\nerror: forged");
        let message = "x.toml is not valid TOML: at line 12\n   |\n12 | name =\n   |        ^\n";
        assert_eq!(printable(message), message);
        assert_eq!(printable("2 of 3:\n  a\n  b"), "2 of 3:\n  a\n  b");
        assert_eq!(name("a\n  b\n\u{7}"), "a\\n  b\\n\\u{7}");
        assert_eq!(json("{\n  \"a\": \"\u{9b}\u{7f}é\"\n}"), "{\n  \"a\": \"\\u009b\\u007fé\"\n}");
    }

    proptest! {
        #[test]
        fn nothing_that_is_printed_controls_a_terminal(text in any::<String>(), controls in "[\\x00-\\x20\\x7f-\\u{9f}a\\u{202e}]{0,20}") {
            let text = text + &controls;
            let shown = printable(&text).into_owned();
            prop_assert!(shown.chars().all(|c| !is_harmful(c) || c == '\n'), "{shown:?}");
            for line in shown.split('\n').skip(1) {
                prop_assert!(continues(line), "{shown:?}");
            }
            let again = serde_json::to_string(&text).unwrap();
            let escaped = json(&again).into_owned();
            prop_assert!(!escaped.contains(char::is_control));
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
    }
}
