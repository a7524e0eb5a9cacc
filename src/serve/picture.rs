//! Decoding of request bodies into pictures.

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use image::ImageError;
use serde::Deserialize;
use serde_json::Value;

use super::problem::{Problem, shortened};
use crate::{
    data::{PIXELS, SIDE},
    imaging::{self, DrawingError, MAX_SIDE},
};

/// Body of a request that is to contain a picture.
pub(super) struct PictureBody {
    content_type: String,
    bytes: Bytes,
}

/// Picture of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Picture {
    /// PNG or JPEG file.
    File(Bytes),
    /// 28×28 image in row-major order, 0 = background, 255 = ink.
    Pixels(Box<[u8; PIXELS]>),
}

/// Number of pixels from which on decoding a picture takes long.
const LARGE: u64 = 1 << 20;

impl Picture {
    /// True if decoding takes long, by the dimensions in the header of the file.
    pub(super) fn is_large(&self) -> bool {
        let Self::File(bytes) = self else { return false };
        imaging::picture_size(bytes).is_some_and(|(width, height)| u64::from(width) * u64::from(height) > LARGE)
    }
}

/// JSON body: exactly one of the two fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonPicture {
    image: Option<String>,
    pixels: Option<Value>,
}

impl PictureBody {
    /// Body with the `Content-Type` of its request.
    pub(super) fn new(headers: &HeaderMap, bytes: Bytes) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
        Self { content_type: content_type.to_owned(), bytes }
    }

    /// Decodes the body by its content type.
    ///
    /// # Errors
    /// 415 for another content type than PNG, JPEG or JSON, 400 for JSON that is no picture.
    pub(super) fn decode(self) -> Result<Picture, Problem> {
        let media_type = self.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            "image/png" | "image/jpeg" => Ok(Picture::File(self.bytes)),
            "application/json" => of_json(&self.bytes),
            found => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!(
                    "found the content type `{}`, expected image/png, image/jpeg or application/json",
                    shortened(found, 60)
                ),
            )),
        }
    }
}

fn of_json(body: &[u8]) -> Result<Picture, Problem> {
    let picture: JsonPicture =
        serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("JSON: {error}")))?;
    match picture {
        JsonPicture { image: Some(image), pixels: None } => of_data_url(&image),
        JsonPicture { image: None, pixels: Some(pixels) } => of_levels(&pixels),
        _ => Err(Problem::bad_request(
            "expected either `image`, a data URL of a PNG or JPEG picture, or `pixels`, 28 rows of 28 levels",
        )),
    }
}

fn of_data_url(url: &str) -> Result<Picture, Problem> {
    let data = ["data:image/png;base64,", "data:image/jpeg;base64,"].iter().find_map(|prefix| url.strip_prefix(prefix));
    let data = data.ok_or_else(|| {
        Problem::bad_request(format!(
            "image: found `{}`, expected `data:image/png;base64,…` or `data:image/jpeg;base64,…`",
            shortened(url, 40)
        ))
    })?;
    STANDARD
        .decode(data)
        .map(|bytes| Picture::File(bytes.into()))
        .map_err(|error| Problem::bad_request(format!("image: invalid base64: {error}")))
}

fn of_levels(pixels: &Value) -> Result<Picture, Problem> {
    let size = |what: String, found: usize, expected: &str| {
        Problem::bad_request(format!("{what}: found {found} values, expected {expected}"))
    };
    let rows = pixels.as_array().ok_or_else(|| Problem::bad_request("pixels: expected an array"))?;
    let mut image = Box::new([0; PIXELS]);
    if rows.first().is_some_and(Value::is_array) {
        if rows.len() != SIDE {
            return Err(size("pixels".into(), rows.len(), "28 rows"));
        }
        for (y, row) in rows.iter().enumerate() {
            let row = row
                .as_array()
                .ok_or_else(|| Problem::bad_request(format!("pixels[{y}]: expected an array of 28 levels")))?;
            if row.len() != SIDE {
                return Err(size(format!("pixels[{y}]"), row.len(), "28"));
            }
            for (x, value) in row.iter().enumerate() {
                image[y * SIDE + x] =
                    level(value).map_err(|problem| Problem::bad_request(format!("pixels[{y}][{x}]: {problem}")))?;
            }
        }
    } else {
        if rows.len() != PIXELS {
            return Err(size("pixels".into(), rows.len(), "784, or 28 rows of 28"));
        }
        for (index, value) in rows.iter().enumerate() {
            image[index] =
                level(value).map_err(|problem| Problem::bad_request(format!("pixels[{index}]: {problem}")))?;
        }
    }
    Ok(Picture::Pixels(image))
}

/// Parses a level from 0 to 255; fractions are rounded.
fn level(value: &Value) -> Result<u8, String> {
    match value.as_f64() {
        Some(level) if (0.0..=255.0).contains(&level) => Ok(level.round() as u8),
        _ => {
            let found = shortened(&value.to_string(), 40);
            Err(format!("found {found}, expected a number from 0 (background) to 255 (ink)"))
        }
    }
}

/// Error response for a picture that cannot be decoded: 413 if it is too large, otherwise 400.
pub(super) fn rejection(error: &DrawingError) -> Problem {
    match error {
        DrawingError::TooLarge { .. } | DrawingError::Decode(ImageError::Limits(_)) => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
        }
        _ => Problem::bad_request(format!("{error} (PNG or JPEG, at most {MAX_SIDE} pixels a side)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<Picture, String> {
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap())]);
        let body = PictureBody::new(&headers, Bytes::copy_from_slice(text.as_bytes()));
        body.decode().map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn pixels_are_accepted_flat_or_in_rows() {
        let row = format!("[{}]", vec!["1.6"; SIDE].join(","));
        let rows = json(&format!(r#"{{"pixels": [{}]}}"#, vec![row.as_str(); SIDE].join(","))).unwrap();
        let flat = json(&format!(r#"{{"pixels": [{}]}}"#, vec!["2"; PIXELS].join(","))).unwrap();
        assert_eq!(rows, flat);
        assert_eq!(flat, Picture::Pixels(Box::new([2; PIXELS])));
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
            (rows("1,2"), &["pixels[0]", "29"]),
            (r#"{"pixels": [1,2]}"#.into(), &["2 values", "784"]),
            (r#"{"pixels": 3}"#.into(), &["array"]),
            (r#"{"pixels": [], "image": ""}"#.into(), &["either"]),
            (r#"{"picture": []}"#.into(), &["picture"]),
            (r#"{"image": "data:image/gif;base64,AA"}"#.into(), &["gif", "png"]),
            (r#"{"image": "data:image/png;base64,@@"}"#.into(), &["base64"]),
            ("{".into(), &["JSON"]),
            (format!("{}1{}", "[".repeat(400), "]".repeat(400)), &["JSON"]),
        ] {
            let error = json(&text).unwrap_err();
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
        let error = PictureBody::new(&HeaderMap::new(), Bytes::new()).decode().unwrap_err();
        assert!(format!("{error:?}").contains("415"));
    }
}
