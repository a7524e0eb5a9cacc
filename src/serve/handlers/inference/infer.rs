//! Inference on a batch of images by one model.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    super::{
        super::{
            engine::Models,
            problem::{ErrorBody, Problem, shortened},
            state::Service,
        },
        extract::{self, InFlight},
    },
    tensor::{self, InputTensor},
};
use crate::{data::CLASSES, evaluation::top_class};

/// Names of the outputs.
const OUTPUTS: [&str; 2] = ["probabilities", "digit"];

/// Inference request for a batch of images.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::serve) struct InferRequest {
    /// Identifier that the response repeats.
    id: Option<String>,
    /// Parameters of the request; none are supported, so absent or empty.
    #[schema(value_type = Option<Object>)]
    parameters: Option<serde_json::Map<String, Value>>,
    /// One tensor, `images`.
    inputs: Vec<InputTensor>,
    /// Requested outputs; all if absent.
    #[serde(default)]
    outputs: Vec<RequestedOutput>,
}

/// Requested output.
#[derive(Debug, Deserialize, ToSchema)]
struct RequestedOutput {
    /// `probabilities` or `digit`.
    name: String,
}

/// Outputs of a model for a batch of images.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::serve) struct InferResponse {
    /// Name of the model.
    model_name: String,
    /// `1`.
    model_version: &'static str,
    /// Identifier of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Output tensors.
    outputs: Vec<OutputTensor>,
}

/// Output tensor, its numbers flat and in row-major order.
#[derive(Debug, Serialize, ToSchema)]
struct OutputTensor {
    /// `probabilities` or `digit`.
    name: &'static str,
    /// `FP32` or `INT64`.
    datatype: &'static str,
    /// `[n, 10]` or `[n]`.
    shape: Vec<usize>,
    /// Numbers of the tensor.
    #[schema(value_type = Vec<f64>)]
    data: Value,
}

/// Evaluate one model on a batch of images.
#[utoipa::path(
    post,
    path = "/v2/models/{name}/infer",
    params(("name" = String, Path, description = "Name of a model of `/v2/models`")),
    request_body = InferRequest,
    responses(
        (status = 200, body = InferResponse),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 408, body = ErrorBody),
        (status = 413, body = ErrorBody),
        (status = 429, body = ErrorBody),
    )
)]
pub(in crate::serve) async fn infer(
    State(service): State<Service>,
    InFlight(permit): InFlight,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<InferResponse>, Problem> {
    let (model, _) = service.run.model(&name)?;
    let body = extract::body(body)?;
    let response = service.engine.run(permit, move |models| respond(models, model, name, &body)).await?;
    service.metrics.inferred(response.images());
    Ok(Json(response))
}

/// Parses a request and evaluates the model: both take long for a large batch.
fn respond(models: &mut Models, model: usize, name: String, body: &[u8]) -> Result<InferResponse, Problem> {
    let request: InferRequest =
        serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("JSON: {error}")))?;
    if let Some(parameter) = request.parameters.iter().flat_map(serde_json::Map::keys).next() {
        return Err(Problem::bad_request(format!(
            "parameters: unknown parameter `{}`; none are supported",
            shortened(parameter, 40)
        )));
    }
    if let Some(unknown) = request.outputs.iter().find(|output| !OUTPUTS.contains(&output.name.as_str())) {
        return Err(Problem::bad_request(format!(
            "outputs: unknown output `{}`; available: {}",
            shortened(&unknown.name, 40),
            OUTPUTS.join(", ")
        )));
    }
    let images = tensor::images(&request.inputs)?;
    let rows = models.predict(model, &images)?;
    let requested = |name: &&str| request.outputs.is_empty() || request.outputs.iter().any(|o| o.name == *name);
    let outputs = OUTPUTS.into_iter().filter(requested).map(|name| match name {
        "digit" => {
            let digits: Vec<usize> = rows.iter().map(top_class).collect();
            OutputTensor { name, datatype: "INT64", shape: vec![rows.len()], data: json!(digits) }
        }
        _ => {
            OutputTensor { name, datatype: "FP32", shape: vec![rows.len(), CLASSES], data: json!(rows.as_flattened()) }
        }
    });
    Ok(InferResponse { model_name: name, model_version: "1", id: request.id, outputs: outputs.collect() })
}

impl InferResponse {
    /// Number of images in the batch.
    fn images(&self) -> usize {
        self.outputs.first().and_then(|output| output.shape.first()).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{
        artifact::RunFailure,
        data::{PIXELS, Probabilities},
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

        fn preprocessed(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
            *image
        }
    }

    #[test]
    fn only_the_requested_model_is_evaluated() {
        for images in [1, 4, 5, 40] {
            let evaluated = Arc::new(Mutex::new(Vec::new()));
            let mut models = Models::new(Box::new(Recorder(Arc::clone(&evaluated))), Arc::new(|_: &str| {}));
            let tensor = json!({
                "name": "images",
                "shape": [images, PIXELS],
                "datatype": "UINT8",
                "data": vec![0; images * PIXELS]
            });
            let body = json!({ "inputs": [tensor] }).to_string();
            let response = respond(&mut models, 3, "cnn".to_owned(), body.as_bytes()).unwrap();
            assert_eq!(*evaluated.lock().unwrap(), [format!("model 3 on {images}")]);
            assert_eq!(response.images(), images);
            assert_eq!(response.outputs[1].data, json!(vec![3; images]));
        }
    }
}
