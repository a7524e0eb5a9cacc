//! Tests of the engine on a predictor that does what a test tells it.

use std::{
    future::poll_fn,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::{Arc, Condvar, Mutex},
    task::Poll,
    time::Duration,
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
    response::IntoResponse,
};
use prometheus::IntGauge;

use super::{Engine, PageAnswer, PageRequest, Permit, PictureRequest, Prediction, Predictor, Reading};
use crate::{
    artifact::RunFailure,
    data::{CLASSES, Images, PIXELS, Probabilities},
    imaging::DrawingOptions,
    reading::{Evidence, Number, ReadingOptions},
    serve::{
        body::received::Body,
        options::{Log, ServeOptions},
        picture::PictureBody,
        problem::Problem,
    },
};

/// Message of the panic of a [`Script`].
const PANIC: &str = "the predictor panics as the test wants";

/// Predictor that records the sizes of its batches, waits while the gate is closed and panics on an image of 13s.
struct Script {
    batches: Arc<Mutex<Vec<usize>>>,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn set_closed(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.changed.notify_all();
    }

    fn pass(&self) {
        drop(self.changed.wait_while(self.closed.lock().unwrap(), |closed| *closed).unwrap());
    }
}

impl Predictor for Script {
    fn read(&mut self, images: &[[u8; PIXELS]]) -> Result<Vec<Reading>, RunFailure> {
        self.batches.lock().unwrap().push(images.len());
        self.gate.pass();
        assert!(images.iter().all(|image| image[0] != 13), "{PANIC}");
        // No test needs a verdict: an internal error stands for a response.
        Err(RunFailure::Cancelled)
    }

    fn predict(&mut self, model: usize, images: &[[u8; PIXELS]]) -> Result<Probabilities, RunFailure> {
        assert_ne!(model, 13, "{PANIC}");
        Ok(vec![[model as f32; CLASSES]; images.len()])
    }

    fn evidence(&mut self, model: usize, images: &Images) -> Result<Vec<Evidence>, RunFailure> {
        self.batches.lock().unwrap().push(images.len());
        self.gate.pass();
        assert_ne!(model, 13, "{PANIC}");
        let probabilities = std::array::from_fn(|digit| if digit == model { 0.91 } else { 0.01 });
        Ok(vec![Evidence { probabilities, unlikeness: -3.0, is_several: false }; images.len()])
    }

    fn preprocessed(&self, image: &[u8; PIXELS]) -> [u8; PIXELS] {
        *image
    }
}

/// Engine of one worker and one permit, with what it logs and what its predictor records.
struct Rig {
    engine: Engine,
    log: Arc<Mutex<Vec<String>>>,
    batches: Arc<Mutex<Vec<usize>>>,
    gate: Arc<Gate>,
}

impl Rig {
    fn new(in_flight: usize) -> Self {
        let options = ServeOptions {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            api_keys: None,
            drawing: DrawingOptions::default(),
            in_flight,
            timeout: Duration::from_secs(60),
            threads: 1,
        };
        let (log, batches, gate) = (Arc::default(), Arc::default(), Arc::new(Gate::default()));
        let script = Script { batches: Arc::clone(&batches), gate: Arc::clone(&gate) };
        let lines: Arc<Mutex<Vec<String>>> = Arc::clone(&log);
        let write: Log = Arc::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()));
        let taken = IntGauge::new("working", "Permits that are taken.").unwrap();
        let engine = Engine::start(vec![Box::new(script)], &options, &write, taken);
        Self { engine: engine.unwrap(), log, batches, gate }
    }

    fn permit(&self) -> Permit {
        self.engine.try_acquire().expect("a permit is free")
    }

    /// Sends an image of one level.
    async fn read(&self, level: u8, permit: Permit) -> Result<Prediction, Problem> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let body = serde_json::json!({ "pixels": vec![level; PIXELS] }).to_string();
        let body = PictureBody::new(&headers, Body::new(&headers, Bytes::from(body)).unwrap());
        let request = PictureRequest { body, drawing: DrawingOptions::default(), stages: false };
        self.engine.read(request, permit).await
    }

    /// Waits until the predictor has been given a batch.
    fn wait_for_batch(&self) {
        while self.batches.lock().unwrap().is_empty() {
            std::thread::yield_now();
        }
    }

    fn logged(&self, words: &str) -> bool {
        self.log.lock().unwrap().iter().any(|line| line.contains(words))
    }
}

fn status<T>(result: Result<T, Problem>) -> u16 {
    result.map_or_else(|problem| problem.into_response().status().as_u16(), |_| 200)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_permit_is_free_before_the_response_arrives() {
    let rig = Rig::new(1);
    block_on(async {
        for round in 0..2_000 {
            // With one permit each of these fails unless the one before is free by the time of its response.
            let permit = rig.permit();
            assert!(rig.engine.try_acquire().is_none());
            let code = match round % 4 {
                // A blank image is answered without the models.
                0 => status(rig.read(0, permit).await),
                1 => status(rig.read(200, permit).await),
                2 => status(rig.engine.run(permit, |models| models.predict(1, &[[0; PIXELS]]).map(Some)).await),
                _ => status(
                    rig.engine.run(permit, |_| Err::<Option<()>, _>(Problem::bad_request("as the test wants"))).await,
                ),
            };
            assert_eq!(code, [200, 500, 200, 400][round % 4]);
        }
    });
}

#[test]
fn a_permit_is_free_after_a_panic_and_the_worker_goes_on() {
    let rig = Rig::new(1);
    block_on(async {
        for _ in 0..100 {
            assert_eq!(status(rig.read(13, rig.permit()).await), 500);
            let panicking = rig.engine.run(rig.permit(), |models| models.predict(13, &[[0; PIXELS]]).map(Some)).await;
            assert_eq!(status(panicking), 500);
            let rows = rig.engine.run(rig.permit(), |models| models.predict(3, &[[0; PIXELS]]).map(Some)).await;
            assert_eq!(rows.unwrap(), [[3.0; CLASSES]]);
        }
    });
    assert!(rig.logged(PANIC));
}

#[test]
fn a_permit_is_held_while_work_goes_on_that_nobody_waits_for() {
    let rig = Rig::new(1);
    rig.gate.set_closed(true);
    block_on(async {
        let mut request = Box::pin(rig.read(200, rig.permit()));
        poll_fn(|context| {
            assert!(request.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        // The client goes away while its image is evaluated.
        rig.wait_for_batch();
    });
    assert!(rig.engine.try_acquire().is_none(), "the worker still evaluates the image");
    rig.gate.set_closed(false);
    while rig.engine.try_acquire().is_none() {
        std::thread::yield_now();
    }
}

#[test]
fn pictures_that_arrive_during_a_batch_form_the_next() {
    let rig = Rig::new(100);
    rig.gate.set_closed(true);
    block_on(async {
        let first = rig.read(200, rig.permit());
        let others = async {
            rig.wait_for_batch();
            let mut waiting: Vec<_> = (0..40).map(|_| Box::pin(rig.read(200, rig.permit()))).collect();
            poll_fn(|context| {
                // Polled once, each is in the queue.
                waiting.iter_mut().for_each(|request| assert!(request.as_mut().poll(context).is_pending()));
                Poll::Ready(())
            })
            .await;
            rig.gate.set_closed(false);
            for request in waiting {
                assert_eq!(status(request.await), 500);
            }
        };
        let (first, ()) = tokio::join!(first, others);
        assert_eq!(status(first), 500);
    });
    let batches = rig.batches.lock().unwrap();
    assert_eq!(batches.iter().sum::<usize>(), 41);
    assert_eq!(batches[0], 1);
    assert!(batches.iter().all(|&size| size <= 32) && batches.len() < 41, "{batches:?}");
}

#[test]
fn other_work_is_done_between_the_parts_of_a_task() {
    let rig = Rig::new(10);
    let order = Arc::new(Mutex::new(Vec::new()));
    rig.gate.set_closed(true);
    block_on(async {
        let first = rig.read(200, rig.permit());
        let others = async {
            rig.wait_for_batch();
            let task = |name: &'static str, parts: usize| {
                let (order, mut done) = (Arc::clone(&order), 0);
                rig.engine.run(rig.permit(), move |_| {
                    order.lock().unwrap().push(name);
                    done += 1;
                    Ok((done == parts).then_some(name))
                })
            };
            let (mut long, mut short) = (Box::pin(task("long", 3)), Box::pin(task("short", 1)));
            poll_fn(|context| {
                assert!(long.as_mut().poll(context).is_pending() && short.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            rig.gate.set_closed(false);
            assert_eq!((long.await.unwrap(), short.await.unwrap()), ("long", "short"));
        };
        tokio::join!(first, others).0.map(|_| ()).unwrap_err();
    });
    assert_eq!(*order.lock().unwrap(), ["long", "short", "long", "long"]);
}

/// Picture of a line of marks, each of which the models see once. No two are the same.
fn marks(count: u32) -> Vec<u8> {
    let is_ink = |x: u32, y: u32| {
        let (mark, column, row) = (x / 36, x % 36, y / 4);
        // An upright stroke with a pattern of short ones at its side.
        column < 6 && y < 40 || column < 12 && row < 10 && (mark * 37 + 11) >> row & 1 == 1
    };
    let picture = image::GrayImage::from_fn(36 * count, 60, |x, y| {
        image::Luma([if y >= 10 && is_ink(x, y - 10) { 20 } else { 245 }])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

impl Rig {
    /// Sends a page of some marks to a model.
    async fn read_page(&self, count: u32, model: usize, permit: Permit) -> Result<PageAnswer, Problem> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("image/png"))]);
        let body = PictureBody::new(&headers, Body::new(&headers, Bytes::from(marks(count))).unwrap());
        self.engine.read_page(PageRequest { body, options: ReadingOptions::default(), model }, permit).await
    }

    /// Numbers of a page of some marks, which the models take for 3s.
    fn page(&self, count: u32) -> Pin<Box<dyn Future<Output = Result<Vec<Number>, Problem>> + '_>> {
        Box::pin(async move { Ok(self.read_page(count, 3, self.permit()).await?.numbers) })
    }

    /// Waits for requests that are made while the models are busy, and opens the gate once all of them are queued.
    async fn together<T>(&self, requests: Vec<Pin<Box<dyn Future<Output = T> + '_>>>) -> Vec<T> {
        self.gate.set_closed(true);
        let first = self.read(200, self.permit());
        let others = async {
            self.wait_for_batch();
            let mut requests = requests;
            poll_fn(|context| {
                requests.iter_mut().for_each(|request| assert!(request.as_mut().poll(context).is_pending()));
                Poll::Ready(())
            })
            .await;
            self.gate.set_closed(false);
            let mut answers = Vec::new();
            for request in requests {
                answers.push(request.await);
            }
            answers
        };
        tokio::join!(first, others).1
    }
}

#[test]
fn a_picture_that_comes_during_a_page_waits_for_a_part_of_it() {
    let rig = Rig::new(10);
    let answers = block_on(async {
        let picture = Box::pin(async { rig.read(200, rig.permit()).await.map(|_| Vec::new()) });
        rig.together(vec![rig.page(60), picture]).await
    });
    let numbers = answers.into_iter().next().unwrap().unwrap();
    assert_eq!(numbers.iter().map(|number| number.digits.len()).collect::<Vec<_>>(), [60]);
    assert!(numbers[0].digits.iter().all(|digit| digit.digit == 3));
    // The picture that the gate held back, the one that came after the page, and the marks in two parts.
    assert_eq!(*rig.batches.lock().unwrap(), [1, 1, 32, 28]);
}

#[test]
fn one_page_after_the_other_is_read_by_one_worker() {
    let rig = Rig::new(10);
    let answers = block_on(rig.together([40, 50, 36].map(|count| rig.page(count)).into()));
    assert!(answers.into_iter().all(|numbers| numbers.unwrap().len() == 1));
    assert_eq!(*rig.batches.lock().unwrap(), [1, 32, 8, 32, 18, 32, 4]);
}

#[test]
fn after_a_panic_and_a_picture_that_is_none_the_next_page_is_read() {
    let rig = Rig::new(1);
    block_on(async {
        for _ in 0..20 {
            assert_eq!(status(rig.read_page(9, 13, rig.permit()).await), 500);
            let headers = HeaderMap::new();
            let body = PictureBody::new(&headers, Body::new(&headers, Bytes::from_static(b"three")).unwrap());
            let request = PageRequest { body, options: ReadingOptions::default(), model: 0 };
            assert_eq!(status(rig.engine.read_page(request, rig.permit()).await), 415);
            let page = rig.read_page(9, 4, rig.permit()).await.unwrap();
            assert_eq!((page.size, page.numbers[0].text().as_str()), ((324, 60), "444444444"));
        }
    });
    assert!(rig.logged(PANIC));
}
