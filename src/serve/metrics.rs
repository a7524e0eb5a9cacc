//! Counts and times in Prometheus' text format.

use std::time::Duration;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    core::Collector,
};

use super::{Service, answer::Answer, problem::Problem};
use crate::verdict::Refusal;

/// Upper ends of the buckets, in seconds.
const SECONDS: [f64; 12] = [0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Everything that is counted.
pub(super) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    in_flight: IntGauge,
    turned_away: IntCounter,
    digits: IntCounter,
    refusals: IntCounterVec,
    inferred: IntCounter,
    reading: Histogram,
}

impl Metrics {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let requests = Opts::new(
            "digitstack_requests_total",
            "Requests answered, by route, method and status; 499: the client went away first.",
        );
        let seconds = HistogramOpts::new("digitstack_request_seconds", "Time from a request's head to its answer.");
        let refusals = Opts::new("digitstack_refusals_total", "Pictures that were given no digit, by reason.");
        let reading =
            HistogramOpts::new("digitstack_reading_seconds", "Decoding, preprocessing and all models for one picture.");
        let metrics = Self {
            requests: IntCounterVec::new(requests, &["route", "method", "status"])?,
            seconds: HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["route"])?,
            in_flight: IntGauge::new("digitstack_in_flight", "Requests under way.")?,
            turned_away: IntCounter::new(
                "digitstack_turned_away_total",
                "Requests answered 429 because too many were in flight.",
            )?,
            digits: IntCounter::new("digitstack_digits_total", "Pictures that were given a digit.")?,
            refusals: IntCounterVec::new(refusals, &["reason"])?,
            inferred: IntCounter::new(
                "digitstack_inferred_images_total",
                "Images that came through the inference protocol.",
            )?,
            reading: Histogram::with_opts(reading.buckets(SECONDS.to_vec()))?,
            registry,
        };
        for reason in Refusal::ALL {
            metrics.refusals.with_label_values(&[reason.name()]);
        }
        let all: [Box<dyn Collector>; 8] = [
            Box::new(metrics.requests.clone()),
            Box::new(metrics.seconds.clone()),
            Box::new(metrics.in_flight.clone()),
            Box::new(metrics.turned_away.clone()),
            Box::new(metrics.digits.clone()),
            Box::new(metrics.refusals.clone()),
            Box::new(metrics.inferred.clone()),
            Box::new(metrics.reading.clone()),
        ];
        all.into_iter().try_for_each(|collector| metrics.registry.register(collector))?;
        Ok(metrics)
    }

    /// A request came; dropping the returned value ends it.
    pub(super) fn request(&self) -> UnderWay {
        self.in_flight.inc();
        UnderWay(self.in_flight.clone())
    }

    /// A request was answered.
    pub(super) fn done(&self, route: &str, method: &str, status: StatusCode, took: Duration) {
        self.requests.with_label_values(&[route, method, status.as_str()]).inc();
        self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    pub(super) fn turned_away(&self) {
        self.turned_away.inc();
    }

    pub(super) fn answered(&self, answer: &Answer) {
        match answer.refusal() {
            Some(reason) => self.refusals.with_label_values(&[reason]).inc(),
            None => self.digits.inc(),
        }
        self.reading.observe(answer.seconds());
    }

    pub(super) fn inferred(&self, images: usize) {
        self.inferred.inc_by(images as u64);
    }
}

/// A request under way.
pub(super) struct UnderWay(IntGauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts and times in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String, content_type = "text/plain; version=0.0.4")))]
pub(super) async fn metrics(State(service): State<Service>) -> Result<impl IntoResponse, Problem> {
    let mut text = Vec::new();
    TextEncoder::new().encode(&service.metrics.registry.gather(), &mut text).map_err(|_| Problem::internal())?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text))
}
