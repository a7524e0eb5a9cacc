//! Decoding of request bodies into pictures, by what the bodies contain: a label may be wrong or missing.

mod form;
mod levels;

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
};
use data_url::DataUrl;
use image::ImageError;
use serde::Deserialize;

use super::{
    body::received::{Body, Decompressed},
    problem::{Problem, shortened},
};
use crate::{
    data::PIXELS,
    imaging::{self, DrawingError, MAX_PIXELS, PICTURE_FORMATS},
};
use levels::Levels;

/// Body of a request that is to contain a picture.
pub(super) struct PictureBody {
    label: Label,
    body: Body,
}

/// What the sender says that a body is. It chooses between errors, never between pictures.
#[derive(Clone, Debug, PartialEq)]
enum Label {
    Picture,
    Json,
    /// A form, with the boundary between its parts.
    Form(String),
    Other(String),
}

/// Picture of a request.
pub(super) enum Picture {
    /// Picture file, not decoded yet.
    File(PictureFile),
    /// 28×28 image in row-major order, 0 = background, 255 = ink.
    Pixels(Box<[u8; PIXELS]>),
}

/// Bytes that should be a picture file.
pub(super) struct PictureFile {
    pub(super) bytes: Bytes,
    /// Content type, if it says that this is something else.
    other_label: Option<String>,
    /// The body that the bytes are a part of.
    _body: Option<Decompressed>,
}

/// Memory for decoding from which on a picture is large, in bytes.
const LARGE: u64 = 8 << 20;

impl Picture {
    /// Memory that decoding takes, in bytes, by the header of the file; none if it is little.
    pub(super) fn large_bytes(&self) -> Option<u64> {
        let Self::File(file) = self else { return None };
        Some(imaging::decoding_memory(&file.bytes)).filter(|&bytes| bytes > LARGE)
    }

    /// Memory that decoding it as a page and finding its lines takes, in the same way.
    pub(super) fn large_page_bytes(&self) -> Option<u64> {
        let Self::File(file) = self else { return None };
        Some(imaging::page_memory(&file.bytes)).filter(|&bytes| bytes > LARGE)
    }
}

/// JSON body: exactly one of the two fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonPicture {
    image: Option<String>,
    pixels: Option<Levels>,
}

impl PictureBody {
    /// Body with the `Content-Type` of its request.
    pub(super) fn new(headers: &HeaderMap, body: Body) -> Self {
        let label = headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
        Self { label: Label::of(label), body }
    }

    /// Decodes the body by its content: a form with one picture, JSON, a data URL, or else a picture file.
    ///
    /// # Errors
    /// 400 for a form or JSON that holds no picture, and for a body that cannot be decompressed.
    pub(super) fn decode(self) -> Result<Picture, Problem> {
        let body = self.body.decompressed()?;
        let (mut label, mut bytes) = (self.label, body.bytes.clone());
        if let Some(boundary) = form::boundary(&bytes, label.boundary()) {
            bytes = form::only_part(&bytes, &boundary)?;
            // Whoever sends a form says that its part is a picture.
            label = Label::Picture;
        }
        let mut picture = of_content(label, bytes)?;
        if let Picture::File(file) = &mut picture {
            file._body = Some(body);
        }
        Ok(picture)
    }
}

impl Label {
    fn of(content_type: &str) -> Self {
        let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        let media_type = media_type.trim().to_ascii_lowercase();
        match media_type.as_str() {
            "application/json" => Self::Json,
            "multipart/form-data" => Self::Form(boundary_of(parameters).unwrap_or_default()),
            _ if media_type.starts_with("image/") => Self::Picture,
            _ => Self::Other(media_type),
        }
    }

    fn boundary(&self) -> Option<&str> {
        match self {
            Self::Form(boundary) => Some(boundary),
            _ => None,
        }
    }
}

/// Parameter `boundary` of a content type.
fn boundary_of(parameters: &str) -> Option<String> {
    let of_name = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim();
        let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        name.trim().eq_ignore_ascii_case("boundary").then(|| unquoted.to_owned())
    };
    parameters.split(';').find_map(of_name)
}

/// Picture in bytes that are no form.
fn of_content(label: Label, bytes: Bytes) -> Result<Picture, Problem> {
    let text = bytes.trim_ascii_start();
    match text {
        [] => Err(Problem::bad_request("the body is empty; expected a picture file, a form with one, or JSON")),
        [b'{', ..] => of_json(text),
        [b'd' | b'D', b'a' | b'A', b't' | b'T', b'a' | b'A', b':', ..] => {
            of_data_url(&String::from_utf8_lossy(text)).map(Picture::file)
        }
        _ => match label {
            Label::Json if !imaging::is_picture(&bytes) => of_json(text),
            Label::Json | Label::Picture => Ok(Picture::file(bytes)),
            Label::Form(_) => Ok(Picture::labelled(bytes, "multipart/form-data".to_owned())),
            Label::Other(label) => Ok(Picture::labelled(bytes, label)),
        },
    }
}

impl Picture {
    fn file(bytes: Bytes) -> Self {
        Self::File(PictureFile { bytes, other_label: None, _body: None })
    }

    /// Bytes that are labelled as something else than a picture.
    fn labelled(bytes: Bytes, label: String) -> Self {
        Self::File(PictureFile { bytes, other_label: Some(label), _body: None })
    }
}

fn of_json(body: &[u8]) -> Result<Picture, Problem> {
    let picture: JsonPicture =
        serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("JSON: {error}")))?;
    match picture {
        JsonPicture { image: Some(image), pixels: None } => of_data_url(&image).map(Picture::file),
        JsonPicture { image: None, pixels: Some(pixels) } => Ok(Picture::Pixels(pixels.image()?)),
        _ => Err(Problem::bad_request(
            "expected either `image`, a data URL of a picture file, or `pixels`, 28 rows of 28 levels",
        )),
    }
}

/// Bytes of a data URL, by the rules of the web (WHATWG's Fetch standard): media type and `base64` in any case, with
/// parameters, percent-encoded or in base64, with or without padding and white space.
fn of_data_url(url: &str) -> Result<Bytes, Problem> {
    let wrong = |problem: &str| {
        let found = shortened(url, 40);
        Problem::bad_request(format!("image: found `{found}`, expected `data:image/png;base64,…`: {problem}"))
    };
    let parsed = DataUrl::process(url).map_err(|error| wrong(&error.to_string()))?;
    let (bytes, _fragment) = parsed.decode_to_vec().map_err(|error| wrong(&format!("base64: {error}")))?;
    if bytes.is_empty() { Err(wrong("it holds nothing")) } else { Ok(bytes.into()) }
}

impl PictureFile {
    /// Error response for a file that cannot be read: 413 if it is too large, 415 if it is no picture and is not said
    /// to be one, otherwise 400.
    pub(super) fn rejection(&self, error: &DrawingError) -> Problem {
        let accepted = || format!("a picture as {PICTURE_FORMATS}, of at most {} megapixels", MAX_PIXELS / 1_000_000);
        match (error, &self.other_label) {
            (DrawingError::TooLarge { .. } | DrawingError::Decode(ImageError::Limits(_)), _) => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
            }
            (DrawingError::NotAPicture { .. }, Some(label)) => {
                let label = shortened(label, 60);
                let message = format!(
                    "found a body of the type `{label}` that is no picture, expected {}, a form with one, or JSON",
                    accepted()
                );
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
            }
            (DrawingError::Damaged { .. } | DrawingError::OtherFormat { .. } | DrawingError::NotAPicture { .. }, _) => {
                Problem::bad_request(error.to_string())
            }
            _ => Problem::bad_request(format!("{error} (expected {})", accepted())),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{
        Engine,
        engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::data::SIDE;

    /// Beginning of a PNG file, which is all that the labels are compared with.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    fn decode(label: &str, body: &[u8]) -> Result<Picture, Problem> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, label.parse().unwrap())]);
        PictureBody::new(&headers, Body::new(&headers, Bytes::copy_from_slice(body))?).decode()
    }

    fn json(text: &str) -> Result<Box<[u8; PIXELS]>, String> {
        match decode("application/json; charset=utf-8", text.as_bytes()) {
            Ok(Picture::Pixels(image)) => Ok(image),
            Ok(Picture::File(_)) => Err("a file".to_owned()),
            Err(problem) => Err(format!("{problem:?}")),
        }
    }

    fn file(result: Result<Picture, Problem>) -> Result<Bytes, String> {
        match result {
            Ok(Picture::File(file)) => Ok(file.bytes),
            Ok(Picture::Pixels(_)) => Err("pixels".to_owned()),
            Err(problem) => Err(format!("{problem:?}")),
        }
    }

    fn form(part: &[u8]) -> Vec<u8> {
        let head = "--x7\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\
                    Content-Type: application/octet-stream\r\n\r\n";
        [head.as_bytes(), part, b"\r\n--x7--\r\n"].concat()
    }

    #[test]
    fn a_body_is_what_it_contains_whatever_its_label() {
        let pixels = format!(r#" {{"pixels": {:?}}}"#, vec![9; PIXELS]).into_bytes();
        let url = format!("data:image/png;base64,{}", STANDARD.encode(PNG));
        let in_json = format!(r#"{{"image": "{url}"}}"#);
        for label in [
            "image/png",
            "image/jpg",
            "IMAGE/X-PNG; a=b",
            "application/octet-stream",
            "application/x-www-form-urlencoded",
            "application/json",
            "text/plain;charset=utf-8",
            "multipart/form-data; boundary=other",
            "",
            "?",
        ] {
            assert_eq!(file(decode(label, PNG)).unwrap(), PNG, "{label}");
            for body in [form(PNG), form(in_json.as_bytes()), url.clone().into_bytes(), in_json.clone().into_bytes()] {
                assert_eq!(file(decode(label, &body)).unwrap(), PNG, "{label}: {}", String::from_utf8_lossy(&body));
            }
            for body in [pixels.clone(), form(&pixels)] {
                assert!(matches!(decode(label, &body), Ok(Picture::Pixels(image)) if *image == [9; PIXELS]), "{label}");
            }
        }
    }

    #[test]
    fn pixels_are_accepted_flat_or_in_rows() {
        let row = format!("[{}]", vec!["25.6"; SIDE].join(","));
        let rows = json(&format!(r#"{{"pixels": [{}]}}"#, vec![row.as_str(); SIDE].join(","))).unwrap();
        let flat = json(&format!(r#"{{"pixels": [{}]}}"#, vec!["26"; PIXELS].join(","))).unwrap();
        assert_eq!(rows, flat);
        assert_eq!(*flat, [26; PIXELS]);
    }

    #[test]
    fn errors_name_the_row_and_the_column() {
        let row = |value: &str| format!("[{value},{}]", vec!["0"; SIDE - 1].join(","));
        let rows = |value: &str| format!(r#"{{"pixels": [{},{}]}}"#, row(value), vec![row("0"); SIDE - 1].join(","));
        for (text, parts) in [
            (rows("256"), &["pixels[0][0]", "256", "255"][..]),
            (rows("-1"), &["pixels[0][0]", "-1"]),
            (rows("\"7\""), &["pixels[0][0]", "7"]),
            (rows("null"), &["null"]),
            (rows("{\"a\": [1]}"), &["pixels[0][0]", "an object"]),
            (rows("[1]"), &["pixels[0][0]", "an array"]),
            (rows("1,2"), &["pixels[0]", "29"]),
            (rows("1.01"), &["1.01", "0 to 1", "0 to 255"]),
            (r#"{"pixels": [1,2]}"#.into(), &["2 values", "784"]),
            (format!(r#"{{"pixels": [{}]}}"#, vec!["0"; 785].join(",")), &["785 values", "784"]),
            (format!(r#"{{"pixels": [{}]}}"#, vec!["[]"; 784].join(",")), &["784 values", "28 rows"]),
            (r#"{"pixels": 3}"#.into(), &["array"]),
            (r#"{"pixels": [], "image": ""}"#.into(), &["either"]),
            (r#"{"picture": []}"#.into(), &["picture"]),
            (r#"{"image": "data:image/png;base64,@@"}"#.into(), &["base64"]),
            (r#"{"image": "data:image/png;base64"}"#.into(), &["comma"]),
            (r#"{"image": "data:,"}"#.into(), &["nothing"]),
            ("{".into(), &["JSON"]),
            ("null".into(), &["JSON"]),
            (format!("{}1{}", "[".repeat(400), "]".repeat(400)), &["JSON"]),
        ] {
            let error = json(&text).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{text:.60}: {error}");
        }
        assert!(format!("{:?}", decode("image/png", b" \n").err()).contains("empty"));
    }

    proptest! {
        #[test]
        fn data_urls_follow_the_rules_of_the_web(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
            let (padded, bare) = (STANDARD.encode(&bytes), STANDARD_NO_PAD.encode(&bytes));
            let percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
            let spaced: String = bare.chars().flat_map(|digit| [digit, ' ']).collect();
            let escaped = padded.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
            for url in [
                format!("data:image/png;base64,{padded}"),
                format!("DATA:IMAGE/Png;BASE64,{bare}"),
                format!("data:image/jpg;charset=utf-8;name=a.jpg; base64 ,{spaced}"),
                format!(" data:;base64,{escaped}#fragment"),
                format!("data:image/png,{percent}"),
                format!("data:,{percent}"),
                format!("da\nta:image/png;base64,\t{padded}\r\n"),
            ] {
                prop_assert_eq!(of_data_url(&url).unwrap(), bytes.clone(), "{}", url);
            }
        }

        #[test]
        fn any_body_is_decoded_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..200) {
            let _ = decode("multipart/form-data; boundary=\"x7\"", &body);
            let whole = form(&body);
            let _ = decode("image/png", &whole[..cut.min(whole.len())]);
        }
    }
}
