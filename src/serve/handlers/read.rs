//! `/api/read`.

use axum::{
    Json,
    extract::{Query, Request, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    super::{
        body,
        engine::{PageAnswer, PageRequest},
        picture::PictureBody,
        problem::{ErrorBody, Problem},
        state::Service,
    },
    predict::JsonPictureBody,
};
use crate::{
    imaging::{InkSource, Layout},
    reading::{NumberRecord, Pattern, ReadingOptions},
};

/// Query parameters of `/api/read`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::serve) struct ReadQuery {
    /// Number of digits of each number, 1 to 64; not together with `pattern`.
    expect: Option<usize>,
    /// Pattern of each number: a list of `\d`, digits or sets such as `[0-4]`, each with `{n}`, `{n,m}` or `?`.
    pattern: Option<String>,
    /// Confidence below which a number or a digit is refused as `unsure`, 0 to 1. Default: none is.
    min_confidence: Option<f32>,
    /// One digit in each printed box or field of a comb; ink outside is left out.
    #[serde(default)]
    boxes: bool,
    /// Source of the ink: `auto`, `alpha` (the alpha channel), `dark` (dark on light) or `light` (light on dark).
    /// Default: the setting of the service.
    #[param(value_type = Option<String>)]
    ink: Option<InkSource>,
    /// Name of the model that reads, one of `/v2/models`. Default: the one that `/api/predict` takes the digit from.
    model: Option<String>,
}

impl ReadQuery {
    /// The pattern of `expect` or `pattern`.
    ///
    /// # Errors
    /// 400 for a wrong one, and for both.
    fn pattern(&self) -> Result<Option<Pattern>, Problem> {
        match (self.expect, &self.pattern) {
            (Some(_), Some(_)) => Err(Problem::bad_request("expect and pattern: found both, expected one of them")),
            (Some(digits), None) => {
                let wrong = || Problem::bad_request(format!("expect: found {digits}, expected 1 to 64"));
                Pattern::of_length(digits).map(Some).ok_or_else(wrong)
            }
            (None, Some(pattern)) => {
                pattern.parse().map(Some).map_err(|error| Problem::bad_request(format!("pattern: {error}")))
            }
            (None, None) => Ok(None),
        }
    }

    /// The minimum confidence.
    ///
    /// # Errors
    /// 400 outside 0 to 1.
    fn min_confidence(&self) -> Result<f32, Problem> {
        let value = self.min_confidence.unwrap_or(0.0);
        let wrong = || Problem::bad_request(format!("min_confidence: found {value}, expected a number from 0 to 1"));
        (0.0..=1.0).contains(&value).then_some(value).ok_or_else(wrong)
    }
}

/// Numbers of a picture.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct NumbersBody {
    /// Width of the upright picture, in pixels.
    width: u32,
    /// Height of the upright picture, in pixels.
    height: u32,
    /// Lines of digits in reading order, refused ones included; empty if there is no ink.
    numbers: Vec<NumberRecord>,
    /// Name of the model that read.
    model: String,
    /// Time for decoding, finding the lines and all models, time in the queue included.
    milliseconds: f64,
}

/// Read the numbers in a picture (experimental).
///
/// The body is that of `/api/predict`: a picture file of a photograph, a scan or a drawing, a form with one, or JSON.
/// Any number of digits in lines is read; boxes are in pixels of the upright picture in its full size. A page has at
/// most 200 lines; where it has more ink than is read at a time, the rest is refused as `left-out`.
#[utoipa::path(
    post,
    path = "/api/read",
    params(ReadQuery),
    request_body(content(
        (JsonPictureBody = "application/json"),
        (Vec<u8> = "image/png"),
        (Vec<u8> = "image/jpeg"),
        (Vec<u8> = "image/gif"),
        (Vec<u8> = "image/bmp"),
        (Vec<u8> = "image/webp"),
        (Vec<u8> = "image/tiff"),
        (Vec<u8> = "application/octet-stream"),
        (Vec<u8> = "multipart/form-data"),
    )),
    responses(
        (status = 200, description = "Numbers of the picture", body = NumbersBody),
        (status = 400, description = "Not a picture, or a wrong query parameter", body = ErrorBody),
        (status = 404, description = "Unknown model", body = ErrorBody),
        (status = 408, description = "Request timeout", body = ErrorBody),
        (status = 413, description = "Body or picture too large", body = ErrorBody),
        (status = 415, description = "Neither a picture nor said to be one, or an unsupported content encoding", body = ErrorBody),
        (status = 429, description = "Too many requests in flight", body = ErrorBody),
    )
)]
pub(in crate::serve) async fn read(
    State(service): State<Service>,
    query: Result<Query<ReadQuery>, QueryRejection>,
    request: Request,
) -> Result<Json<NumbersBody>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let name = query.model.as_deref().unwrap_or(&service.run.recommended);
    let (model, _) = service.run.model(name)?;
    let options = ReadingOptions {
        ink: query.ink.unwrap_or(service.drawing.ink),
        layout: if query.boxes { Layout::Boxes } else { Layout::Lines },
        pattern: query.pattern()?,
        min_confidence: query.min_confidence()?,
    };
    let headers = request.headers().clone();
    let (body, permit) = body::receive(&service, request).await?;
    let request = PageRequest { body: PictureBody::new(&headers, body), options, model };
    let PageAnswer { numbers, size: (width, height), seconds } = service.engine.read_page(request, permit).await?;
    service.metrics.read(numbers.iter().map(|number| number.refusal), seconds);
    Ok(Json(NumbersBody {
        width,
        height,
        numbers: numbers.iter().map(NumberRecord::from).collect(),
        model: name.to_owned(),
        milliseconds: seconds * 1e3,
    }))
}
