//! What the fuzzer calls: the parsers of request bodies, which are no part of the library otherwise.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
};

use super::{
    body::received::Body,
    handlers::inference,
    picture::{Picture, PictureBody},
};
use crate::imaging::{DrawingOptions, read_picture};

/// Parses the body of an inference request; what is refused has a message.
pub fn inference(body: &[u8], json_length: Option<usize>) {
    match inference::parse(&Bytes::copy_from_slice(body), json_length) {
        Ok(images) => assert!(images > 0),
        Err(problem) => assert!(problem.status.is_client_error() && !problem.message.is_empty()),
    }
}

/// Parses a body that should hold a picture, compressed by the coding of this name if it is not empty; what is refused
/// has a message.
pub fn picture(coding: &'static str, body: &[u8]) {
    let mut headers = HeaderMap::new();
    if !coding.is_empty() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    let body = Body::new(&headers, Bytes::copy_from_slice(body));
    match body.and_then(|body| PictureBody::new(&headers, body).decode()) {
        Ok(Picture::File(file)) => drop(read_picture(&file.bytes, &DrawingOptions::default())),
        Ok(Picture::Pixels(_)) => (),
        Err(problem) => assert!(problem.status.is_client_error() && !problem.message.is_empty()),
    }
}
