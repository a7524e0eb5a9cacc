//! Inference on a batch of images by one model.

use axum::extract::{Path, Request, State};

use super::{
    super::super::{
        body::{self, received::Body},
        engine::Models,
        problem::{ErrorBody, Problem},
        state::Service,
    },
    metadata,
    request::{Batch, InferRequest, json_length},
    response::InferResponse,
};
use crate::data::Probabilities;

/// Number of images that are evaluated before other work has its turn.
const PART: usize = 256;

/// Evaluate one model on a batch of images.
///
/// The tensor may be sent as bytes behind the JSON, whose length is then in `Inference-Header-Content-Length`, and so may
/// be the outputs (the binary tensor data extension). A body may be compressed (`Content-Encoding: gzip` or `deflate`).
#[utoipa::path(
    post,
    path = "/v2/models/{name}/infer",
    params(
        ("name" = String, Path, description = "Name of a model of `/v2/models`"),
        ("Inference-Header-Content-Length" = Option<u64>, Header, description = "Length of the JSON, in bytes"),
    ),
    request_body(content((InferRequest = "application/json"), (Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 200, content((InferResponse = "application/json"), (String = "application/octet-stream"))),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 408, body = ErrorBody),
        (status = 413, body = ErrorBody),
        (status = 415, body = ErrorBody),
        (status = 429, body = ErrorBody),
    )
)]
pub(in crate::serve) async fn infer(
    State(service): State<Service>,
    Path(name): Path<String>,
    request: Request,
) -> Result<InferResponse, Problem> {
    respond(service, name, request).await
}

/// Evaluate one version of a model on a batch of images; there is one, `1`.
#[utoipa::path(
    post,
    path = "/v2/models/{name}/versions/{version}/infer",
    params(
        ("name" = String, Path, description = "Name of a model of `/v2/models`"),
        ("version" = String, Path, description = "`1`"),
        ("Inference-Header-Content-Length" = Option<u64>, Header, description = "Length of the JSON, in bytes"),
    ),
    request_body(content((InferRequest = "application/json"), (Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 200, content((InferResponse = "application/json"), (String = "application/octet-stream"))),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 408, body = ErrorBody),
        (status = 413, body = ErrorBody),
        (status = 415, body = ErrorBody),
        (status = 429, body = ErrorBody),
    )
)]
pub(in crate::serve) async fn infer_version(
    State(service): State<Service>,
    Path((name, version)): Path<(String, String)>,
    request: Request,
) -> Result<InferResponse, Problem> {
    metadata::check_version(&version)?;
    respond(service, name, request).await
}

async fn respond(service: Service, name: String, request: Request) -> Result<InferResponse, Problem> {
    let (model, _) = service.run.model(&name)?;
    let json_length = json_length(request.headers())?;
    let (body, permit) = body::receive(&service, request).await?;
    let mut inference = Inference::new(model, name, body, json_length);
    let response = service.engine.run(permit, move |models| inference.advance(models)).await?;
    service.metrics.inferred(response.images);
    Ok(response)
}

/// Inference that is done part by part: parsing and evaluating a large batch takes long.
struct Inference {
    model: usize,
    name: String,
    /// Body that is not parsed yet, and the length of its JSON.
    body: Option<(Body, Option<usize>)>,
    batch: Option<Batch>,
    rows: Probabilities,
}

impl Inference {
    fn new(model: usize, name: String, body: Body, json_length: Option<usize>) -> Self {
        Self { model, name, body: Some((body, json_length)), batch: None, rows: Vec::new() }
    }

    /// Parses the body the first time, then evaluates the model on the next images. Returns the response after the last
    /// of them.
    fn advance(&mut self, models: &mut Models) -> Result<Option<InferResponse>, Problem> {
        if let Some((body, json_length)) = self.body.take() {
            self.batch = Some(Batch::parse(&body.decompressed()?.bytes, json_length)?);
        }
        let Some(batch) = &mut self.batch else { return Err(Problem::internal()) };
        let begin = self.rows.len();
        let end = batch.images.len().min(begin + PART);
        self.rows.extend(models.predict(self.model, &batch.images[begin..end])?);
        if end < batch.images.len() {
            return Ok(None);
        }
        Ok(Some(InferResponse::new(std::mem::take(&mut self.name), batch.id.take(), &self.rows, batch.outputs)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{body::Bytes, http::HeaderMap};
    use serde_json::json;

    use super::*;
    use crate::{
        artifact::RunFailure,
        data::{CLASSES, Images, PIXELS, Probabilities},
        reading::Evidence,
        serve::engine::{Predictor, Reading},
    };

    /// Predictor that records which models it evaluates.
    struct Recorder(Arc<Mutex<Vec<String>>>);

    impl Predictor for Recorder {
        fn read(&mut self, images: &[[u8; PIXELS]]) -> Result<Vec<Reading>, RunFailure> {
            self.0.lock().unwrap().push(format!("all models on {}", images.len()));
            Ok(Vec::new())
        }

        fn predict(&mut self, model: usize, images: &[[u8; PIXELS]]) -> Result<Probabilities, RunFailure> {
            self.0.lock().unwrap().push(format!("model {model} on {}", images.len()));
            let mut row = [0.0; CLASSES];
            row[model] = 1.0;
            Ok(vec![row; images.len()])
        }

        fn evidence(&mut self, _: usize, _: &Images) -> Result<Vec<Evidence>, RunFailure> {
            Err(RunFailure::Cancelled)
        }

        fn preprocessed(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
            *image
        }
    }

    #[test]
    fn only_the_requested_model_is_evaluated() {
        for (images, parts) in [(1, &[1][..]), (4, &[4]), (5, &[5]), (40, &[40]), (600, &[256, 256, 88])] {
            let evaluated = Arc::new(Mutex::new(Vec::new()));
            let mut models = Models::new(Box::new(Recorder(Arc::clone(&evaluated))), Arc::new(|_: &str| {}));
            let tensor = json!({
                "name": "images",
                "shape": [images, PIXELS],
                "datatype": "UINT8",
                "data": vec![0; images * PIXELS]
            });
            let body = Bytes::from(json!({ "inputs": [tensor] }).to_string());
            let body = Body::new(&HeaderMap::new(), body).unwrap();
            let mut inference = Inference::new(3, "cnn".to_owned(), body, None);
            let response = std::iter::repeat_with(|| inference.advance(&mut models).unwrap()).find_map(|done| done);
            let response = response.unwrap();
            let expected: Vec<String> = parts.iter().map(|part| format!("model 3 on {part}")).collect();
            assert_eq!(*evaluated.lock().unwrap(), expected);
            assert_eq!(response.images, images);
            assert_eq!(json!(response.outputs[1].data), json!(vec![3; images]));
        }
    }
}
