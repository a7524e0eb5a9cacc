//! `/api/predict`.

use axum::{
    Json,
    extract::{Query, Request, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    super::{
        body,
        engine::PictureRequest,
        picture::PictureBody,
        problem::{ErrorBody, Problem},
        state::Service,
    },
    prediction::PredictionBody,
};
use crate::imaging::{Centre, DrawingOptions, InkSource};

/// Query parameters of `/api/predict`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::serve) struct PredictQuery {
    /// Include the intermediate images in the response.
    #[serde(default)]
    stages: bool,
    /// Centring of the digit in the 28×28 image: `mass` (centre of mass of the ink) or `box` (middle of its bounding
    /// box). Default: the setting of the service.
    #[param(value_type = Option<String>)]
    centre: Option<Centre>,
    /// Source of the ink: `auto`, `alpha` (the alpha channel), `dark` (dark on light) or `light` (light on dark).
    /// Default: the setting of the service.
    #[param(value_type = Option<String>)]
    ink: Option<InkSource>,
}

/// Picture as JSON: either a picture file as a data URL, or the pixels of a 28×28 image.
#[derive(ToSchema)]
#[schema(as = PictureBody)]
#[expect(dead_code, reason = "schema of the body that `picture` parses")]
pub(in crate::serve) struct JsonPictureBody {
    /// `data:image/png;base64,…`, by the rules of the web: any media type, base64 or percent-encoded.
    image: Option<String>,
    /// 784 levels, or 28 rows of 28, from 0 (background) to 255 or, if none is greater, to 1 (ink).
    #[schema(value_type = Option<Vec<Value>>)]
    pixels: Option<Vec<Value>>,
}

/// Predict the digit in a picture.
///
/// The body is a picture file (PNG, JPEG, GIF, BMP, WebP, TIFF or PNM, of at most 134 megapixels as PNG or JPEG and 67
/// otherwise), with ink of any colour on any background, a form with such a file (`multipart/form-data`), or JSON. Its content decides which, not its content type. It may be compressed (`Content-Encoding: gzip` or
/// `deflate`). A picture that does not show exactly one digit is answered with status 200, `digit` null and a `refusal`.
#[utoipa::path(
    post,
    path = "/api/predict",
    params(PredictQuery),
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
        (status = 200, description = "Prediction, or the reason for rejecting the picture", body = PredictionBody),
        (status = 400, description = "Not a picture, or unknown query parameter", body = ErrorBody),
        (status = 408, description = "Request timeout", body = ErrorBody),
        (status = 413, description = "Body or picture too large", body = ErrorBody),
        (status = 415, description = "Neither a picture nor said to be one, or an unsupported content encoding", body = ErrorBody),
        (status = 429, description = "Too many requests in flight", body = ErrorBody),
    )
)]
pub(in crate::serve) async fn predict(
    State(service): State<Service>,
    query: Result<Query<PredictQuery>, QueryRejection>,
    request: Request,
) -> Result<Json<PredictionBody>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let default = &service.drawing;
    let headers = request.headers().clone();
    let (body, permit) = body::receive(&service, request).await?;
    let request = PictureRequest {
        body: PictureBody::new(&headers, body),
        drawing: DrawingOptions {
            centre: query.centre.unwrap_or(default.centre),
            ink: query.ink.unwrap_or(default.ink),
            ..default.clone()
        },
        stages: query.stages,
    };
    let prediction = service.engine.read(request, permit).await?;
    let seconds = prediction.seconds;
    let body = PredictionBody::new(&service.run, prediction);
    service.metrics.predicted(body.refusal(), seconds);
    Ok(Json(body))
}
