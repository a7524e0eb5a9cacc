//! Metrics of the service, in the text format of Prometheus.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    core::Collector,
};

use crate::{reading::NumberRefusal, verdict::Refusal};

/// Content type of the text format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// Upper bounds of the histogram buckets, in seconds.
const SECONDS: [f64; 12] = [0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Metrics of the service.
pub(super) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    in_flight: IntGauge,
    working: IntGauge,
    dropped_log_lines: IntCounter,
    turned_away: IntCounter,
    digits: IntCounter,
    refusals: IntCounterVec,
    inferred: IntCounter,
    reading: Histogram,
    numbers: IntCounter,
    number_refusals: IntCounterVec,
    page: Histogram,
}

impl Metrics {
    /// Registers all metrics.
    ///
    /// # Errors
    /// If a name or label is invalid.
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let requests = Opts::new(
            "digitstack_requests_total",
            "Requests by route, method and status; status 499: the client closed the connection before the response.",
        );
        let seconds = HistogramOpts::new("digitstack_request_seconds", "Time from request head to response, by route.");
        let refusals = Opts::new("digitstack_refusals_total", "Pictures rejected without a digit, by reason.");
        let reading = HistogramOpts::new(
            "digitstack_reading_seconds",
            "Time for one picture: queue, decoding, preprocessing and all models.",
        );
        let number_refusals =
            Opts::new("digitstack_number_refusals_total", "Lines of digits that were refused, by reason.");
        let page = HistogramOpts::new(
            "digitstack_page_seconds",
            "Time for the numbers of one picture: queue, decoding, finding the lines and all models.",
        );
        let metrics = Self {
            requests: IntCounterVec::new(requests, &["route", "method", "status"])?,
            seconds: HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["route"])?,
            in_flight: IntGauge::new("digitstack_in_flight", "Requests in flight, those being received included.")?,
            working: IntGauge::new(
                "digitstack_working",
                "Prediction requests that are received and not yet answered; at most as many as --in-flight.",
            )?,
            dropped_log_lines: IntCounter::new(
                "digitstack_dropped_log_lines_total",
                "Log lines that were dropped because nobody read them in time.",
            )?,
            turned_away: IntCounter::new(
                "digitstack_turned_away_total",
                "Requests answered 429 because too many were in flight.",
            )?,
            digits: IntCounter::new("digitstack_digits_total", "Pictures answered with a digit.")?,
            refusals: IntCounterVec::new(refusals, &["reason"])?,
            inferred: IntCounter::new(
                "digitstack_inferred_images_total",
                "Images evaluated through the inference protocol.",
            )?,
            reading: Histogram::with_opts(reading.buckets(SECONDS.to_vec()))?,
            numbers: IntCounter::new("digitstack_numbers_total", "Lines of digits that were read as a number.")?,
            number_refusals: IntCounterVec::new(number_refusals, &["reason"])?,
            page: Histogram::with_opts(page.buckets(SECONDS.to_vec()))?,
            registry,
        };
        for reason in Refusal::ALL {
            metrics.refusals.with_label_values(&[reason.name()]);
        }
        for reason in NumberRefusal::ALL {
            metrics.number_refusals.with_label_values(&[reason.name()]);
        }
        let all: [Box<dyn Collector>; 13] = [
            Box::new(metrics.requests.clone()),
            Box::new(metrics.seconds.clone()),
            Box::new(metrics.in_flight.clone()),
            Box::new(metrics.working.clone()),
            Box::new(metrics.dropped_log_lines.clone()),
            Box::new(metrics.turned_away.clone()),
            Box::new(metrics.digits.clone()),
            Box::new(metrics.refusals.clone()),
            Box::new(metrics.inferred.clone()),
            Box::new(metrics.reading.clone()),
            Box::new(metrics.numbers.clone()),
            Box::new(metrics.number_refusals.clone()),
            Box::new(metrics.page.clone()),
        ];
        all.into_iter().try_for_each(|collector| metrics.registry.register(collector))?;
        Ok(metrics)
    }

    /// Counts a request as in flight until the returned value is dropped.
    pub(super) fn in_flight(&self) -> InFlightGuard {
        self.in_flight.inc();
        InFlightGuard(self.in_flight.clone())
    }

    /// Number of permits that are taken.
    pub(super) fn working(&self) -> IntGauge {
        self.working.clone()
    }

    /// Counter of log lines that were dropped.
    pub(super) fn dropped_log_lines(&self) -> IntCounter {
        self.dropped_log_lines.clone()
    }

    /// Counts a response.
    pub(super) fn responded(&self, route: &str, method: &str, status: StatusCode, took: Duration) {
        self.requests.with_label_values(&[route, method, status.as_str()]).inc();
        self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// Counts a request that was answered 429.
    pub(super) fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// Counts a prediction: a digit, or a picture that was rejected.
    pub(super) fn predicted(&self, refusal: Option<Refusal>, seconds: f64) {
        match refusal {
            Some(reason) => self.refusals.with_label_values(&[reason.name()]).inc(),
            None => self.digits.inc(),
        }
        self.reading.observe(seconds);
    }

    /// Counts the lines of a page, each read as a number or refused.
    pub(super) fn read(&self, lines: impl Iterator<Item = Option<NumberRefusal>>, seconds: f64) {
        for refusal in lines {
            match refusal {
                Some(reason) => self.number_refusals.with_label_values(&[reason.name()]).inc(),
                None => self.numbers.inc(),
            }
        }
        self.page.observe(seconds);
    }

    /// Counts images of the inference protocol.
    pub(super) fn inferred(&self, images: usize) {
        self.inferred.inc_by(images as u64);
    }

    /// All metrics as text.
    ///
    /// # Errors
    /// If a metric is inconsistent.
    pub(super) fn encode(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

/// Counts a request as in flight until it is dropped.
pub(super) struct InFlightGuard(IntGauge);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}
