//! `/api`: pictures in, digits out.

use axum::{
    Json,
    body::Bytes,
    extract::{
        FromRequestParts, Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, request::Parts},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    Service,
    answer::Answer,
    desk::Place,
    models::Order,
    picture,
    problem::{ErrorBody, Problem},
};
use crate::imaging::{Centre, DrawingOptions, InkSource};

/// A place among the requests in flight, taken before the body is read.
pub(super) struct InFlight(pub(super) Place);

impl FromRequestParts<Service> for InFlight {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, service: &Service) -> Result<Self, Problem> {
        service.desk.place().map(Self).ok_or_else(|| {
            service.metrics.turned_away();
            Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "as many requests as this service takes at once are in flight; try again in a second",
            )
        })
    }
}

/// A body, or the reason why it could not be read.
pub(super) fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Problem::bad_request("the request's body ended early or is not what its headers say"),
    })
}

pub(super) fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the request's body has more than {} bytes", super::BODY_LIMIT))
}

/// How a picture is read.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PredictQuery {
    /// Whether the answer shows the pictures on the way.
    #[serde(default)]
    stages: bool,
    /// What comes to lie in the middle of the 28×28 image: `mass` or `box`. Otherwise what the service was started
    /// with.
    #[param(value_type = Option<String>)]
    centre: Option<Centre>,
    /// What counts as ink: `auto`, `alpha`, `dark` or `light`. Otherwise what the service was started with.
    #[param(value_type = Option<String>)]
    ink: Option<InkSource>,
}

/// A picture as JSON: either a PNG or JPEG file as a data URL, or the 28×28 levels themselves.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; `picture` reads it")]
pub(super) struct PictureBody {
    /// `data:image/png;base64,…` or `data:image/jpeg;base64,…`
    image: Option<String>,
    /// 784 levels, or 28 rows of 28: 0 = background, 255 = ink.
    #[schema(value_type = Option<Vec<Value>>)]
    pixels: Option<Vec<Value>>,
}

/// Read one digit.
///
/// The body is a PNG or JPEG file of any size up to 4096 pixels a side, ink of any colour on any background, or JSON. A
/// picture that shows no single digit gets status 200 with `digit` null and a `refusal`.
#[utoipa::path(
    post,
    path = "/api/predict",
    params(PredictQuery),
    request_body(content((PictureBody = "application/json"), (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"))),
    responses(
        (status = 200, description = "What was read", body = Answer),
        (status = 400, description = "Not a picture, or settings that there are none of", body = ErrorBody),
        (status = 408, description = "Not done in time", body = ErrorBody),
        (status = 413, description = "The body or the picture is too large", body = ErrorBody),
        (status = 415, description = "Another content type", body = ErrorBody),
        (status = 429, description = "Too many requests in flight", body = ErrorBody),
    )
)]
pub(super) async fn predict(
    State(service): State<Service>,
    InFlight(place): InFlight,
    query: Result<Query<PredictQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Answer>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let body = whole(body)?;
    let usual = &service.drawing;
    let drawing = DrawingOptions {
        centre: query.centre.unwrap_or(usual.centre),
        ink: query.ink.unwrap_or(usual.ink),
        ..usual.clone()
    };
    let understand = Box::new(move || picture::of_request(&headers, &body));
    let answer = service.desk.models().answer(Order { understand, drawing, stages: query.stages }, place).await?;
    service.metrics.answered(&answer);
    Ok(Json(answer))
}

/// The run that answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunBody {
    /// Its name.
    name: String,
    /// The model that `/api/predict` takes the digit from.
    model: String,
    /// Every model by name.
    models: Vec<String>,
    /// Identifies what was trained: equal for runs with equal results.
    sha256: String,
    /// The program's version.
    version: &'static str,
}

/// The run that answers.
#[utoipa::path(get, path = "/api/run", responses((status = 200, body = RunBody)))]
pub(super) async fn run(State(service): State<Service>) -> Json<RunBody> {
    let run = service.desk.run();
    Json(RunBody {
        name: run.config.name.clone(),
        model: run.stack_name().to_owned(),
        models: service.models().map(|(name, _)| name.to_owned()).collect(),
        sha256: run.manifest.reproducible_hash(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
