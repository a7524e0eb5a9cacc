//! The open inference protocol: batches give the predictions of single images, in every shape and type.

use std::net::SocketAddr;

use digitstack::{data::synthetic, seed::Seed};
use serde_json::{Value, json};

use crate::{
    http::{Answer, ask, get, metric, post},
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

/// Little-endian bytes of levels; those of fractions divided by `full`.
fn bytes(images: &[[u8; 784]], datatype: &str, full: f64) -> Vec<u8> {
    let of = |&level: &u8| {
        let (whole, fraction) = (i64::from(level), f64::from(level) / full);
        match datatype {
            "UINT8" => vec![level],
            "INT32" => (whole as i32).to_le_bytes().to_vec(),
            "INT64" => whole.to_le_bytes().to_vec(),
            "FP32" => (fraction as f32).to_le_bytes().to_vec(),
            _ => fraction.to_le_bytes().to_vec(),
        }
    };
    images.iter().flatten().flat_map(of).collect()
}

/// Sends a request with bytes behind its JSON.
fn infer_bytes(address: SocketAddr, body: &Value, bytes: &[u8], length: Option<usize>) -> Answer {
    let json = body.to_string();
    let (length, all) = (length.unwrap_or(json.len()), json.len() + bytes.len());
    let head = format!(
        "POST /v2/models/cnn/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n\
         Inference-Header-Content-Length: {length}\r\nContent-Length: {all}\r\n\r\n"
    );
    ask(address, &[head.as_bytes(), json.as_bytes(), bytes].concat())
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
fn tensors_of_every_type_give_the_same_answer_in_json_and_as_bytes() {
    let service = Service::start(&[]);
    let address = service.address();
    let images: Vec<[u8; 784]> = (0..7).map(|class| synthetic::digit(class, Seed(3))).collect();
    let in_json = infer(address, "cnn", &json!({ "inputs": [tensor(&images, &[7, 784], "UINT8")] })).json();
    let probabilities = numbers(&output(&in_json, "probabilities").expect("there")["data"]);
    let digits = numbers(&output(&in_json, "digit").expect("there")["data"]);
    for datatype in ["UINT8", "INT32", "INT64", "FP32", "FP64"] {
        for full in [1.0, 255.0].into_iter().filter(|full| *full == 255.0 || datatype.starts_with('F')) {
            let bytes = bytes(&images, datatype, full);
            let levels = images.iter().flatten().map(|&level| f64::from(level));
            let data: Vec<Value> = match datatype {
                "FP32" | "FP64" => levels.map(|level| json!(level / full)).collect(),
                _ => levels.map(|level| json!(level as u8)).collect(),
            };
            let plain = json!({ "name": "images", "shape": [7, 28, 28], "datatype": datatype, "data": data });
            let answer = infer(address, "cnn", &json!({ "inputs": [plain] }));
            assert_eq!((answer.status, answer.json()), (200, in_json.clone()), "{datatype} of {full}");
            let binary = json!({ "name": "images", "shape": [7, 28, 28], "datatype": datatype,
                "parameters": { "binary_data_size": bytes.len() } });
            for binary_output in [false, true] {
                let body = json!({ "inputs": [binary], "parameters": { "binary_data_output": binary_output } });
                let answer = infer_bytes(address, &body, &bytes, None);
                assert_eq!(answer.status, 200, "{datatype} of {full}: {}", answer.text());
                if !binary_output {
                    assert_eq!(answer.json(), in_json, "{datatype} of {full}");
                    continue;
                }
                assert_eq!(answer.header("content-type"), "application/octet-stream");
                let length: usize = answer.header("inference-header-content-length").parse().expect("a length");
                let (head, rest) = answer.body.split_at(length);
                let head: Value = serde_json::from_slice(head).expect("JSON");
                let sizes = ["probabilities", "digit"].map(|name| {
                    let output = output(&head, name).expect("there");
                    assert!(output.get("data").is_none(), "{head}");
                    output["parameters"]["binary_data_size"].as_u64().expect("a size") as usize
                });
                assert_eq!((sizes, rest.len()), ([7 * 10 * 4, 7 * 8], 7 * 10 * 4 + 7 * 8));
                let (rows, classes) = rest.split_at(sizes[0]);
                let rows: Vec<f32> = rows.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
                assert_eq!(rows, probabilities.iter().map(|&p| p as f32).collect::<Vec<f32>>());
                let classes = classes.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as f64);
                assert_eq!(classes.collect::<Vec<f64>>(), digits);
            }
        }
    }
}

#[test]
fn what_is_not_known_is_refused_by_name_at_every_level() {
    let service = Service::start(&[]);
    let tensor = || json!({ "name": "images", "shape": [1, 784], "datatype": "UINT8", "data": vec![0; 784] });
    let body = || json!({ "inputs": [tensor()], "outputs": [{ "name": "digit" }] });
    assert_eq!(infer(service.address(), "cnn", &body()).status, 200);
    for path in ["", "/inputs/0", "/outputs/0"] {
        for (at, known) in [("parameters", false), ("", false), ("parameters", true)] {
            let mut body = body();
            let place = body.pointer_mut(path).expect("there");
            let name = match (path, known) {
                (_, false) => "unheard-of",
                ("", true) => "binary_data_output",
                ("/outputs/0", true) => "binary_data",
                _ => continue,
            };
            if at.is_empty() {
                place[name] = json!(true);
            } else {
                place[at] = json!({ name: true });
            }
            let answer = infer(service.address(), "cnn", &body);
            assert_eq!(answer.status, if known { 200 } else { 400 }, "{path} {at} {name}: {}", answer.text());
            let expected = path.trim_start_matches('/').split('/').next().expect("a name");
            assert!(known || answer.text().contains(name), "{}", answer.text());
            assert!(known || answer.text().contains(expected), "{path}: {}", answer.text());
        }
    }
}

#[test]
fn bytes_that_do_not_match_their_lengths_are_refused() {
    let service = Service::start(&[]);
    let address = service.address();
    let body = |size: Option<usize>| {
        let mut tensor = json!({ "name": "images", "shape": [1, 784], "datatype": "INT32" });
        if let Some(size) = size {
            tensor["parameters"] = json!({ "binary_data_size": size });
        }
        json!({ "inputs": [tensor] })
    };
    let whole = vec![0; 4 * 784];
    assert_eq!(infer_bytes(address, &body(Some(whole.len())), &whole, None).status, 200);
    let length = body(Some(whole.len())).to_string().len();
    for (size, bytes, length, words) in [
        (Some(whole.len()), &whole[..4 * 783], None, "binary_data_size"),
        (Some(4 * 783), &whole[..], None, "binary_data_size"),
        (Some(4 * 783), &whole[..4 * 783], None, "783 numbers"),
        (Some(4 * 784 - 1), &whole[1..], None, "whole number"),
        (None, &whole[..], None, "`data`"),
        (Some(whole.len()), &whole[..], Some(length - 1), "JSON"),
        (Some(whole.len()), &whole[..], Some(length + 1), "JSON"),
        (Some(whole.len()), &whole[..], Some(1 << 40), "inference-header-content-length"),
        (Some(usize::MAX), &whole[..], None, "binary_data_size"),
    ] {
        let answer = infer_bytes(address, &body(size), bytes, length);
        assert_eq!((answer.status, answer.check_error()), (400, Ok(())), "{size:?}, {} bytes, {length:?}", bytes.len());
        assert!(answer.text().contains(words), "{words}: {}", answer.text());
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
        let about = get(address, &format!("/v2/models/{model}")).json();
        let versions = about["versions"].as_array().expect("versions");
        assert!(!versions.is_empty());
        // Every version that is promised is there.
        for at in versions.iter().map(|version| format!("/versions/{}", version.as_str().expect("a name"))) {
            assert_eq!(get(address, &format!("/v2/models/{model}{at}")).json(), about);
            for at in [&at[..], ""] {
                let ready = get(address, &format!("/v2/models/{model}{at}/ready")).json();
                assert_eq!(ready, json!({ "name": model, "ready": true }));
            }
        }
        assert_eq!(about["name"], model);
        // The answer has the outputs that the metadata lists.
        let input = &about["inputs"][0];
        assert_eq!((&input["name"], &input["shape"]), (&json!("images"), &json!([-1, 28, 28])));
        let (name, datatype, blank) = (&input["name"], &input["datatype"], vec![0; 2 * 784]);
        let tensor = json!({ "name": name, "datatype": datatype, "shape": [2, 28, 28], "data": blank });
        let answer = infer(address, model, &json!({ "inputs": [tensor] })).json();
        assert_eq!(infer(address, &format!("{model}/versions/1"), &json!({ "inputs": [tensor] })).json(), answer);
        for promised in about["outputs"].as_array().expect("outputs") {
            let given = output(&answer, promised["name"].as_str().expect("a name")).expect("promised");
            assert_eq!(given["datatype"], promised["datatype"]);
            assert_eq!(given["shape"].as_array().map(Vec::len), promised["shape"].as_array().map(Vec::len));
        }
    }
}
