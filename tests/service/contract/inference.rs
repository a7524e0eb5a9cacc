//! The open inference protocol: batches give the predictions of single images, in every shape and type.

use std::net::SocketAddr;

use digitstack::{data::synthetic, seed::Seed};
use serde_json::{Value, json};

use crate::{
    http::{Answer, get, metric, post},
    server::Service,
};

/// Batch sizes; up to 4 images are predicted one by one.
const BATCHES: [usize; 5] = [1, 4, 5, 9, 40];
const CLASSES: usize = 10;

fn infer(address: SocketAddr, model: &str, body: &Value) -> Answer {
    post(address, &format!("/v2/models/{model}/infer"), "application/json", body.to_string())
}

/// Batch as a tensor of the protocol; `FP32` holds levels divided by 255.
fn tensor(images: &[[u8; 784]], shape: &[usize], datatype: &str) -> Value {
    let levels = images.iter().flatten();
    let data: Vec<Value> = match datatype {
        "FP32" => levels.map(|&level| json!(f32::from(level) / 255.0)).collect(),
        _ => levels.map(|&level| json!(level)).collect(),
    };
    json!({ "name": "images", "shape": shape, "datatype": datatype, "data": data })
}

/// Numbers of an output.
fn output<'a>(answer: &'a Value, name: &str) -> Option<&'a Value> {
    answer["outputs"].as_array()?.iter().find(|output| output["name"] == name)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|number| number.as_f64().expect("a number")).collect()
}

/// Class probabilities of every model from `/api/predict`, image by image.
fn single(address: SocketAddr, images: &[[u8; 784]]) -> Vec<Vec<(String, Vec<f64>)>> {
    let answer = |image: &[u8; 784]| {
        post(address, "/api/predict", "application/json", json!({ "pixels": &image[..] }).to_string()).json()
    };
    let rows = |answer: Value| {
        let models = answer["models"].as_array().expect("models").iter();
        models
            .map(|model| (model["name"].as_str().expect("a name").to_owned(), numbers(&model["probabilities"])))
            .collect()
    };
    images.iter().map(|image| rows(answer(image))).collect()
}

#[test]
fn batches_give_what_single_images_give_for_every_model_shape_and_type() {
    let service = Service::start(&[]);
    let address = service.address();
    let images: Vec<[u8; 784]> =
        (0..40).map(|index| synthetic::digit(index % 10, Seed(100 + u64::from(index)))).collect();
    let single = single(address, &images);
    let models = get(address, "/v2/models").json()["models"].clone();
    let (mut asked, mut largest) = (0, 0.0f64);
    for (index, model) in models.as_array().expect("models").iter().enumerate() {
        let model = model.as_str().expect("a name");
        for count in BATCHES {
            let shapes = [vec![count, 28, 28], vec![count, 1, 28, 28], vec![count, 28, 28, 1], vec![count, 784]];
            for (shape, datatype) in shapes.iter().flat_map(|shape| ["UINT8", "FP32"].map(|datatype| (shape, datatype)))
            {
                let answer = infer(address, model, &json!({ "inputs": [tensor(&images[..count], shape, datatype)] }));
                assert_eq!(answer.status, 200, "{}", answer.text());
                let answer = answer.json();
                assert_eq!((&answer["model_name"], answer.get("id")), (&json!(model), None));
                let (probabilities, digits) =
                    (output(&answer, "probabilities").expect("there"), output(&answer, "digit").expect("there"));
                assert_eq!(
                    (&probabilities["shape"], &probabilities["datatype"]),
                    (&json!([count, CLASSES]), &json!("FP32"))
                );
                assert_eq!((&digits["shape"], &digits["datatype"]), (&json!([count]), &json!("INT64")));
                let (rows, digits) = (numbers(&probabilities["data"]), numbers(&digits["data"]));
                assert_eq!((rows.len(), digits.len()), (count * CLASSES, count));
                for ((row, digit), expected) in rows.chunks(CLASSES).zip(digits).zip(&single) {
                    assert_eq!(expected[index].0, model);
                    let difference = row.iter().zip(&expected[index].1).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    largest = largest.max(difference);
                    assert!(
                        difference < 1e-5,
                        "{model}, {count} images, {shape:?}, {datatype}: {row:?} and {:?}",
                        expected[index].1
                    );
                    assert!(row.iter().all(|p| *p <= row[digit as usize]), "{digit}: {row:?}");
                }
                asked += count;
            }
        }
    }
    let metrics = get(address, "/metrics").text();
    assert_eq!(metric(&metrics, "digitstack_inferred_images_total") as usize, asked);
    crate::support::say(format!(
        "contract: {asked} images in batches differ by at most {largest:.1e} from single ones"
    ));
}

#[test]
fn numbers_may_be_nested_in_any_way() {
    let service = Service::start(&[]);
    let image = synthetic::digit(6, Seed(1));
    let rows: Vec<&[u8]> = image.chunks(28).collect();
    let body = |shape: &[usize], data: Value| {
        let tensor = json!({ "name": "images", "shape": shape, "datatype": "UINT8", "data": data });
        json!({ "inputs": [tensor] })
    };
    let flat = infer(service.address(), "cnn", &body(&[1, 28, 28], json!(&image[..]))).json();
    for (shape, data) in
        [(&[1, 28, 28][..], json!([rows])), (&[1, 784], json!([&image[..]])), (&[1, 1, 28, 28], json!([[rows]]))]
    {
        let answer = infer(service.address(), "cnn", &body(shape, data));
        assert_eq!((answer.status, answer.json()), (200, flat.clone()), "{shape:?}");
    }
}

#[test]
fn outputs_select_and_the_id_comes_back() {
    let service = Service::start(&[]);
    let image = tensor(&[synthetic::digit(6, Seed(1))], &[1, 784], "UINT8");
    for (wanted, expected) in [
        (json!([]), &["probabilities", "digit"][..]),
        (json!([{ "name": "digit" }]), &["digit"]),
        (json!([{ "name": "probabilities" }]), &["probabilities"]),
        (json!([{ "name": "digit" }, { "name": "probabilities" }]), &["probabilities", "digit"]),
    ] {
        let answer = infer(
            service.address(),
            "dense",
            &json!({ "id": "batch-7 ü", "inputs": [image], "outputs": wanted, "parameters": {} }),
        );
        let answer = answer.json();
        assert_eq!(answer["id"], "batch-7 ü");
        let names: Vec<&str> = answer["outputs"]
            .as_array()
            .expect("outputs")
            .iter()
            .filter_map(|output| output["name"].as_str())
            .collect();
        assert_eq!(names, expected, "{wanted}");
    }
}

#[test]
fn health_and_metadata_describe_what_is_there() {
    let service = Service::start(&[]);
    let address = service.address();
    assert_eq!(get(address, "/v2/health/live").json(), json!({ "live": true }));
    assert_eq!(get(address, "/v2/health/ready").json(), json!({ "ready": true }));
    let about = get(address, "/v2").json();
    assert_eq!((&about["name"], &about["version"]), (&json!("digitstack"), &json!(env!("CARGO_PKG_VERSION"))));
    let models = get(address, "/v2/models").json();
    assert_eq!(models["models"], get(address, "/api/run").json()["models"]);
    for model in models["models"].as_array().expect("models") {
        let model = model.as_str().expect("a name");
        assert_eq!(get(address, &format!("/v2/models/{model}/ready")).json(), json!({ "ready": true }));
        let about = get(address, &format!("/v2/models/{model}")).json();
        assert_eq!(about["name"], model);
        // The answer has the outputs that the metadata lists.
        let input = &about["inputs"][0];
        assert_eq!((&input["name"], &input["shape"]), (&json!("images"), &json!([-1, 28, 28])));
        let (name, datatype, blank) = (&input["name"], &input["datatype"], vec![0; 2 * 784]);
        let tensor = json!({ "name": name, "datatype": datatype, "shape": [2, 28, 28], "data": blank });
        let answer = infer(address, model, &json!({ "inputs": [tensor] })).json();
        for promised in about["outputs"].as_array().expect("outputs") {
            let given = output(&answer, promised["name"].as_str().expect("a name")).expect("promised");
            assert_eq!(given["datatype"], promised["datatype"]);
            assert_eq!(given["shape"].as_array().map(Vec::len), promised["shape"].as_array().map(Vec::len));
        }
    }
}
