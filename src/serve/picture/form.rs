//! Forms (`multipart/form-data`, RFC 7578), as `curl -F` and web pages send files.

use axum::body::Bytes;
use memchr::memmem;

use super::super::problem::{Problem, shortened};

/// Longest boundary: 70 characters by RFC 2046, and some for clients that do not know.
const MAX_BOUNDARY: usize = 200;
/// Longest head of a part, in bytes.
const MAX_HEAD: usize = 8 << 10;
/// Maximum number of parts.
const MAX_PARTS: usize = 64;

/// Boundary of a form: that in its first line or, where other text comes first, that of its content type. None if the
/// body is no form.
pub(super) fn boundary(body: &[u8], labelled: Option<&str>) -> Option<Vec<u8>> {
    if let Some(rest) = body.strip_prefix(b"--") {
        let end = memmem::find(&rest[..rest.len().min(MAX_BOUNDARY)], b"\r\n")?;
        let boundary = rest[..end].trim_ascii_end();
        return (!boundary.is_empty()).then(|| boundary.to_vec());
    }
    let labelled = labelled.filter(|boundary| !boundary.is_empty())?.as_bytes();
    let first = [b"\r\n--", labelled].concat();
    memmem::find(body, &first).map(|_| labelled.to_vec())
}

/// Contents of the only part of a form.
///
/// # Errors
/// 400 if the form is cut, or has none or several parts.
pub(super) fn only_part(body: &Bytes, boundary: &[u8]) -> Result<Bytes, Problem> {
    let bad = |message: String| Err(Problem::bad_request(format!("multipart/form-data: {message}")));
    let delimiter = [b"\r\n--", boundary].concat();
    // The first delimiter has no line end before it if nothing comes before it.
    let mut at = match body.strip_prefix(&delimiter[2..]) {
        Some(_) => delimiter.len() - 2,
        None => memmem::find(body, &delimiter).map_or(body.len(), |start| start + delimiter.len()),
    };
    let mut parts: Vec<(String, Bytes)> = Vec::new();
    loop {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            break;
        }
        let Some(line) = memmem::find(&rest[..rest.len().min(MAX_BOUNDARY)], b"\r\n") else {
            return bad("the form ends early".to_owned());
        };
        // A part without headers begins with its empty line.
        let head_and_rest = &rest[line..];
        let Some(head) = memmem::find(&head_and_rest[..head_and_rest.len().min(MAX_HEAD)], b"\r\n\r\n") else {
            return bad("a part has no end of its head".to_owned());
        };
        let start = at + line + head + 4;
        // Nothing between the head and the delimiter: the line end belongs to both.
        let Some(length) = memmem::find(&body[start - 2..], &delimiter) else {
            return bad("the form ends early".to_owned());
        };
        let name = name(&head_and_rest[..head])?;
        parts.push((name, body.slice(start..(start - 2 + length).max(start))));
        at = start - 2 + length + delimiter.len();
        if parts.len() > MAX_PARTS {
            return bad(format!("found over {MAX_PARTS} parts, expected one, the picture"));
        }
    }
    match &mut parts[..] {
        [(_, contents)] => Ok(std::mem::take(contents)),
        [] => bad("found no part, expected one, the picture".to_owned()),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            bad(format!("found {} parts ({}), expected one, the picture", names.len(), names.join(", ")))
        }
    }
}

/// Name of a part, for messages.
///
/// # Errors
/// 400 if the part is encoded; RFC 7578 has deprecated that.
fn name(head: &[u8]) -> Result<String, Problem> {
    let head = String::from_utf8_lossy(head);
    let headers = head.lines().filter_map(|line| line.split_once(':'));
    let mut found = String::from("unnamed");
    for (name, value) in headers {
        if name.trim().eq_ignore_ascii_case("content-transfer-encoding") {
            let value = value.trim().to_ascii_lowercase();
            if !["7bit", "8bit", "binary"].contains(&value.as_str()) {
                let value = shortened(&value, 40);
                let message = format!("multipart/form-data: a part is encoded as `{value}`, expected plain bytes");
                return Err(Problem::bad_request(message));
            }
        }
        if name.trim().eq_ignore_ascii_case("content-disposition") {
            let parameters = value.split(';').filter_map(|parameter| parameter.split_once('='));
            let name = parameters.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("name"));
            found = name.map_or(found, |(_, value)| format!("`{}`", shortened(value.trim().trim_matches('"'), 40)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(body: &[u8], labelled: Option<&str>) -> Result<Bytes, String> {
        let boundary = boundary(body, labelled).ok_or("no form")?;
        only_part(&Bytes::copy_from_slice(body), &boundary).map_err(|problem| problem.message)
    }

    #[test]
    fn forms_of_several_clients_are_read() {
        let curl = b"--------------------------a1\r\nContent-Disposition: form-data; name=\"image\"; \
                     filename=\"digit.png\"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\r\n\
                     --------------------------a1--\r\n";
        assert_eq!(only(curl, None).unwrap(), &b"\x89PNG\r\n\x1a\n"[..]);
        let preamble = b"This is a form.\r\n--b c\r\nContent-Disposition: form-data; name=f\r\n\r\nabc\r\n--b c--";
        assert_eq!(only(preamble, Some("b c")).unwrap(), &b"abc"[..]);
        assert_eq!(only(b"--b \t\r\n\r\nno head\r\n--b--", None).unwrap(), &b"no head"[..]);
        assert_eq!(only(b"--b\r\nA: b\r\n\r\n\r\n--b--", None).unwrap(), &b""[..]);
        assert_eq!(only(b"--b\r\nA: b\r\n\r\n--b--", None).unwrap(), &b""[..]);
        assert_eq!(boundary(b"abc", Some("b")), None);
    }

    #[test]
    fn what_is_not_one_part_is_refused_by_name() {
        let part = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n1\r\n");
        for (form, words) in [
            ("--b\r\n--b--".to_owned(), "no end of its head"),
            ("--b\r\n".to_owned(), "no end of its head"),
            (part("a"), "ends early"),
            (format!("{}--b", part("a")), "ends early"),
            (format!("{}{}--b--", part("left"), part("right")), "2 parts (`left`, `right`)"),
            (format!("{}--b--", part("a").repeat(100)), "over 64"),
            ("--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--".to_owned(), "base64"),
            (format!("--b\r\nA: {}\r\n\r\n1\r\n--b--", "a".repeat(10_000)), "no end of its head"),
        ] {
            let error = only(form.as_bytes(), None).unwrap_err();
            assert!(error.contains(words), "{form:.60}: {error}");
        }
    }

    proptest! {
        #[test]
        fn contents_come_back_whole(
            contents in proptest::collection::vec(any::<u8>(), 0..300),
            boundary in "[a-zA-Z0-9'()+_,./:=?-]{1,70}",
        ) {
            let delimiter = format!("\r\n--{boundary}");
            prop_assume!(!contents.windows(delimiter.len()).any(|window| window == delimiter.as_bytes()));
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n");
            let form = [head.as_bytes(), &contents, delimiter.as_bytes(), b"--\r\n"].concat();
            prop_assert_eq!(only(&form, None).unwrap(), contents);
        }
    }
}
