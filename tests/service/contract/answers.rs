//! `/api/predict`: the same answer however an image is sent, and the pictures of the preprocessing stages.

use base64::{Engine, engine::general_purpose::STANDARD};
use digitstack::{data::synthetic, seed::Seed};
use image::{GrayImage, ImageFormat};
use serde_json::{Value, json};

use crate::{
    http::{data_url, drawing, drawn, file, get, post},
    server::Service,
};

/// Answer without its times.
fn timeless(mut answer: Value) -> Value {
    answer["milliseconds"].take();
    answer
}

#[test]
fn the_same_image_is_the_same_digit_however_it_is_sent() {
    let service = Service::start(&[]);
    let predict = |kind: &str, body: Vec<u8>| {
        let answer = post(service.address(), "/api/predict", kind, body);
        assert_eq!(answer.status, 200, "{answer:?}");
        timeless(answer.json())
    };
    let json_of = |value: Value| predict("application/json", value.to_string().into_bytes());
    for class in 0..10 {
        let image = synthetic::digit(class, Seed(1));
        let flat = json_of(json!({ "pixels": &image[..] }));
        assert_eq!(flat["digit"], class, "the small run knows the built-in digits: {flat}");
        let rows: Vec<&[u8]> = image.chunks(28).collect();
        assert_eq!(json_of(json!({ "pixels": rows })), flat);

        let (png, jpeg) = (file(drawing(class, 1), ImageFormat::Png), file(drawing(class, 1), ImageFormat::Jpeg));
        let of_png = predict("image/png", png.clone());
        assert_eq!(predict("application/json; charset=utf-8", data_url("image/png", &png)), of_png);
        let of_jpeg = predict("image/jpeg", jpeg.clone());
        assert_eq!(predict("application/json", data_url("image/jpeg", &jpeg)), of_jpeg);
        for kind in ["image/jpg", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain", ""] {
            assert_eq!(predict(kind, png.clone()), of_png, "{kind}");
            assert_eq!(predict(kind, data_url("image/png", &png)), of_png, "{kind}");
        }
        let form_head = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.png\"\r\n\r\n";
        let form = [form_head.as_bytes(), &png, b"\r\n--b--\r\n"].concat();
        assert_eq!(predict("multipart/form-data; boundary=b", form), of_png);
        let percent: String = png.iter().map(|byte| format!("%{byte:02x}")).collect();
        for url in [
            format!("DATA:Image/X-PNG;a=b;BASE64,{}", STANDARD.encode(&png)),
            format!("data:image/png;base64,{}", STANDARD.encode(&png).replace('A', "A\n")),
            format!("data:,{percent}"),
        ] {
            assert_eq!(json_of(json!({ "image": url })), of_png);
        }
        // Fractions, and whole numbers that are written as fractions.
        let unit: Vec<f64> = image.iter().map(|&level| f64::from(level) / 255.0).collect();
        assert_eq!(json_of(json!({ "pixels": unit })), flat);
        let tenths: Vec<f64> =
            image.iter().map(|&level| f64::from(level) + 0.25).map(|level| level.min(255.0)).collect();
        assert_eq!(json_of(json!({ "pixels": tenths })), flat);
        let small =
            predict("image/png", file(GrayImage::from_raw(28, 28, image.to_vec()).expect("28 × 28"), ImageFormat::Png));
        for (name, answer) in [("PNG", of_png), ("JPEG", of_jpeg), ("PNG of 28 × 28", small)] {
            assert_eq!(answer["digit"], flat["digit"], "{class} as {name}: {answer}");
        }
    }
}

#[test]
fn an_answer_is_consistent_in_itself() {
    let service = Service::start(&[]);
    let run = get(service.address(), "/api/run").json();
    for class in 0..10 {
        let answer = post(service.address(), "/api/predict", "image/png", drawn(class)).json();
        let probabilities = |value: &Value| -> Vec<f64> {
            value.as_array().expect("ten").iter().map(|p| p.as_f64().expect("a number")).collect()
        };
        let names: Vec<&Value> =
            answer["models"].as_array().expect("models").iter().map(|model| &model["name"]).collect();
        assert_eq!(names, run["models"].as_array().expect("models").iter().collect::<Vec<_>>());
        assert_eq!(answer["model"], run["model"]);
        let models = answer["models"].as_array().expect("models").iter();
        for row in models.map(|model| &model["probabilities"]).chain([&answer["probabilities"]]) {
            let row = probabilities(row);
            assert_eq!(row.len(), 10);
            assert!(
                (row.iter().sum::<f64>() - 1.0).abs() < 1e-4 && row.iter().all(|p| (0.0..=1.0).contains(p)),
                "{row:?}"
            );
        }
        for model in answer["models"].as_array().expect("models") {
            let row = probabilities(&model["probabilities"]);
            let digit = model["digit"].as_u64().expect("a digit") as usize;
            assert!(row.iter().all(|p| *p <= row[digit]), "{model}");
        }
        let digit = answer["digit"].as_u64().expect("a digit that is drawn cleanly") as usize;
        let row = probabilities(&answer["probabilities"]);
        assert_eq!(answer["confidence"].as_f64(), Some(row[digit]));
        assert_eq!(
            answer["runner_up_confidence"].as_f64(),
            Some(row[answer["runner_up"].as_u64().expect("a digit") as usize])
        );
        assert!(answer["refusal"].is_null() && answer["stages"].is_null(), "{answer}");
        assert!(answer["milliseconds"].as_f64().is_some_and(|time| time > 0.0));
    }
}

#[test]
fn stages_are_pictures_of_the_sizes_that_are_said() {
    let service = Service::start(&[]);
    let wide = image::imageops::resize(&drawing(5, 2), 1400, 900, image::imageops::FilterType::Triangle);
    for (picture, query) in [(drawing(8, 1), ""), (wide, "&centre=box"), (drawing(1, 1), "&ink=dark")] {
        let answer = post(
            service.address(),
            &format!("/api/predict?stages=true{query}"),
            "image/png",
            file(picture.clone(), ImageFormat::Png),
        );
        let stages = &answer.json()["stages"];
        let shown = |name: &str| {
            let stage = &stages[name];
            let base64 =
                stage["png"].as_str().and_then(|url| url.strip_prefix("data:image/png;base64,")).expect("a data URL");
            let picture = image::load_from_memory(&STANDARD.decode(base64).expect("base64")).expect("a picture");
            let said = (stage["width"].as_u64(), stage["height"].as_u64());
            assert_eq!(said, (Some(picture.width().into()), Some(picture.height().into())), "{name}");
            picture.to_luma8()
        };
        let (ink, cropped, image) = (shown("ink"), shown("cropped"), shown("image"));
        assert_eq!(image.dimensions(), (28, 28));
        let longer = picture.width().max(picture.height()).min(512);
        assert_eq!(ink.width().max(ink.height()), longer, "{:?}", ink.dimensions());
        let area = |name: &str| stages["box"][name].as_u64().expect("a number") as u32;
        let [left, top, width, height] = ["left", "top", "width", "height"].map(area);
        assert_eq!(cropped.dimensions(), (width, height));
        let inside = image::imageops::crop_imm(&ink, left, top, width, height).to_image();
        assert_eq!(inside.as_raw(), cropped.as_raw(), "the crop is the ink in the box");
        assert_eq!(image.pixels().map(|pixel| pixel.0[0]).max(), Some(255), "stretched to the full range");
        if !stages["prepared"].is_null() {
            assert_eq!(shown("prepared").dimensions(), (28, 28));
        }
    }
    let without = post(service.address(), "/api/predict?stages=false", "image/png", drawn(8));
    assert!(without.json()["stages"].is_null());
    let blank = file(GrayImage::from_pixel(64, 64, image::Luma([200])), ImageFormat::Png);
    let blank = post(service.address(), "/api/predict?stages=true", "image/png", blank).json();
    assert!(blank["stages"].is_null() && blank["digit"].is_null() && blank["confidence"].is_null(), "{blank}");
    assert_eq!(blank["refusal"]["reason"], "blank");
}

#[test]
fn refusals_say_why_and_name_no_digit() {
    let service = Service::start(&[]);
    let mut two = GrayImage::from_pixel(640, 300, image::Luma([255]));
    image::imageops::overlay(&mut two, &drawing(2, 1), 10, 10);
    image::imageops::overlay(&mut two, &drawing(4, 1), 350, 10);
    let scribble = GrayImage::from_fn(300, 300, |x, y| image::Luma([if (x / 11 + y / 9) % 2 == 0 { 0 } else { 255 }]));
    for (picture, reasons) in [(two, &["several-digits"][..]), (scribble, &["scribble", "several-digits"])] {
        let answer = post(service.address(), "/api/predict", "image/png", file(picture, ImageFormat::Png));
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        assert!(reasons.contains(&answer["refusal"]["reason"].as_str().expect("a reason")), "{answer}");
        assert!(answer["refusal"]["message"].as_str().is_some_and(|message| message.len() > 10), "{answer}");
        assert!(answer["refusal"]["guess"].is_null() || answer["refusal"]["guess"].as_u64() <= Some(9), "{answer}");
        let advice = &answer["refusal"]["advice"];
        assert!(advice.is_null() || advice.as_str().is_some_and(|words| words.ends_with('.')), "{answer}");
        assert!(
            answer["digit"].is_null() && answer["runner_up"].is_null() && answer["runner_up_confidence"].is_null(),
            "{answer}"
        );
    }
}
