//! `/api/read`: the numbers of a picture, the same however it is sent and as the command reads them; limits on the work
//! of one page, which keeps nobody else waiting.

use std::time::{Duration, Instant};

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use serde_json::{Value, json};

use crate::{
    http::{Connection, PATIENCE, data_url, drawn, file, get, metric, number, post, request, texture},
    server::Service,
    support::{program::program, say, trained::served_run},
};

/// Numbers of an answer.
fn numbers(answer: &Value) -> &Vec<Value> {
    answer["numbers"].as_array().expect("numbers")
}

#[test]
fn the_same_picture_is_the_same_number_however_it_is_sent_and_as_the_command_reads_it() {
    let service = Service::start(&[]);
    let read = |query: &str, kind: &str, body: Vec<u8>| {
        let answer = post(service.address(), &format!("/api/read{query}"), kind, body);
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut answer = answer.json();
        assert!(answer["milliseconds"].take().as_f64().is_some_and(|time| time > 0.0));
        answer
    };
    let png = file(number(&[7, 1, 0]), ImageFormat::Png);
    let answer = read("", "image/png", png.clone());
    assert_eq!((&answer["width"], &answer["height"]), (&json!(850), &json!(320)));
    assert_eq!(answer["model"], get(service.address(), "/api/run").json()["model"]);
    let [line] = &numbers(&answer)[..] else { panic!("{answer}") };
    assert_eq!(line["digits"].as_array().map(Vec::len), Some(3), "{line}");
    let mut right = 0;
    for digit in line["digits"].as_array().expect("digits") {
        let side = |name: &str| digit["box"][name].as_u64().expect("a number");
        // To the right of the one before, within the picture.
        assert!(side("left") >= right && side("left") + side("width") <= 850, "{line}");
        assert!(side("top") + side("height") <= 320 && side("height") > 100, "{line}");
        right = side("left") + side("width");
        let rows = digit["probabilities"].as_array().expect("ten");
        let sum: f64 = rows.iter().map(|share| share.as_f64().expect("a number")).sum();
        assert!(rows.len() == 10 && (sum - 1.0).abs() < 1e-4, "{digit}");
    }

    assert_eq!(read("", "application/json", data_url("image/png", &png)), answer);
    assert_eq!(read("", "", png.clone()), answer);
    let form_head = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\r\n";
    let form = [form_head.as_bytes(), &png, b"\r\n--b--\r\n"].concat();
    assert_eq!(read("", "multipart/form-data; boundary=b", form), answer);

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("number.png");
    std::fs::write(&path, &png).expect("writes");
    let output = program().args(["read", "--json", "--device", "cpu"]).arg(served_run()).arg(&path).output();
    let line: Value = serde_json::from_slice(&output.expect("runs").stdout).expect("a line of JSON");
    assert_eq!((&line["numbers"], &line["width"]), (&answer["numbers"], &answer["width"]), "one schema");
}

#[test]
fn parameters_restrict_what_is_read() {
    let service = Service::start(&[]);
    let png = file(number(&[7, 1, 0]), ImageFormat::Png);
    let read = |query: &str| {
        let answer = post(service.address(), &format!("/api/read?{query}"), "image/png", png.clone());
        assert_eq!(answer.status, 200, "{answer:?}");
        numbers(&answer.json())[0].clone()
    };
    let digits = |line: &Value| line["digits"].as_array().map_or(0, Vec::len);
    assert_eq!(digits(&read("expect=3")), 3);
    let restricted = read("pattern=%5B79%5D%5Cd%7B2%7D");
    let first = &restricted["digits"][0]["digit"];
    assert!(*first == json!(7) || *first == json!(9), "{restricted}");
    let refused = read("expect=9");
    assert_eq!(refused["refusal"]["reason"], "pattern");
    assert!(refused["refusal"]["message"].as_str().is_some_and(|words| words.len() > 10), "{refused}");
    let unsure = read("min_confidence=1");
    assert!(
        unsure["refusal"]["reason"].is_string() && unsure["text"].as_str().expect("text").contains('?'),
        "{unsure}"
    );
    let of_dense = post(service.address(), "/api/read?model=dense", "image/png", png.clone()).json();
    assert_eq!(of_dense["model"], "dense");
}

#[test]
fn a_picture_without_digits_has_no_numbers() {
    let service = Service::start(&[]);
    let clear = DynamicImage::new_rgba8(60, 50);
    for picture in [GrayImage::from_pixel(300, 200, Luma([250])).into(), clear, DynamicImage::new_luma8(1, 1)] {
        let size = (picture.width(), picture.height());
        let answer = post(service.address(), "/api/read", "image/png", file(picture, ImageFormat::Png));
        assert_eq!(answer.status, 200, "{size:?}: {answer:?}");
        let answer = answer.json();
        assert_eq!((&answer["numbers"], &answer["width"]), (&json!([]), &json!(size.0)), "{answer}");
    }
}

#[test]
fn readings_are_counted() {
    let service = Service::start(&[]);
    let address = service.address();
    let png = file(number(&[7, 1, 0]), ImageFormat::Png);
    let refused = post(address, "/api/read?expect=9", "image/png", png.clone()).json();
    assert_eq!(numbers(&refused).len(), 1, "{refused}");
    let answer = post(address, "/api/read", "image/png", png).json();
    let read = numbers(&answer).iter().filter(|line| line["refusal"].is_null()).count();
    let metrics = get(address, "/metrics").text();
    assert_eq!(metric(&metrics, "digitstack_number_refusals_total{reason=\"pattern\"}"), 1.0);
    assert_eq!(metric(&metrics, "digitstack_numbers_total"), read as f64);
    assert_eq!(metric(&metrics, "digitstack_page_seconds_count"), 2.0);
    assert_eq!(metric(&metrics, "digitstack_requests_total{method=\"POST\",route=\"/api/read\",status=\"200\"}"), 2.0);
    let access = service.wait_for_access(|access| access["path"] == "/api/read");
    assert_eq!(access["status"], 200);
}

#[test]
fn pages_with_very_much_ink_are_read_in_part_and_keep_no_digit_waiting() {
    let service = Service::start(&["--timeout", "120", "--threads", "1"]);
    let address = service.address();
    let page = request("POST", "/api/read", Some("image/png"), &file(texture(), ImageFormat::Png));
    let begun = Instant::now();
    let mut pages: Vec<Connection> = Vec::new();
    for _ in 0..2 {
        let mut connection = Connection::open(address);
        connection.send(&page).expect("sends");
        pages.push(connection);
    }
    crate::http::wait_until_working(address, 2);
    let (mut quick, mut slowest) = (0, Duration::ZERO);
    while metric(&get(address, "/metrics").text(), "digitstack_working") > 0.0 {
        let asked = Instant::now();
        assert_eq!(post(address, "/api/predict", "image/png", drawn(3)).json()["digit"], 3);
        slowest = slowest.max(asked.elapsed());
        quick += 1;
    }
    for mut page in pages {
        let answer = page.answer(4 * PATIENCE).expect("an answer");
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        let left_out = numbers(&answer).iter().filter(|line| line["refusal"]["reason"] == "left-out").count();
        assert!(left_out > 0 && left_out < numbers(&answer).len(), "{left_out} of {}", numbers(&answer).len());
    }
    say(format!(
        "contract: two pages of texture in {:.1} s on one thread; beside them {quick} digits, the slowest in {:.2} s",
        begun.elapsed().as_secs_f64(),
        slowest.as_secs_f64()
    ));
    assert!(quick > 10 && slowest < Duration::from_secs(5), "{quick} digits, the slowest in {slowest:?}");
}

#[test]
fn a_page_whose_client_has_gone_is_given_up() {
    let service = Service::start(&["--threads", "1", "--in-flight", "1"]);
    let address = service.address();
    let mut connection = Connection::open(address);
    connection
        .send(&request("POST", "/api/read", Some("image/png"), &file(texture(), ImageFormat::Png)))
        .expect("sends");
    crate::http::wait_until_working(address, 1);
    connection.reset();
    crate::http::wait_until_working(address, 0);
    assert_eq!(post(address, "/api/predict", "image/png", drawn(3)).json()["digit"], 3);
}
