//! How metrics are made: with the common prefix, their buckets, and a place in the registry.

use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

/// Bounds of request times: a fast answer, a slow one, one that met its limit.
const REQUEST_SECONDS: [f64; 9] = [0.005, 0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];
/// Bounds of pass times: a small estate to an hour.
const PASS_SECONDS: [f64; 9] = [0.1, 0.5, 2.0, 10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0];
/// Makes metrics and keeps them in a registry.
pub(super) struct Maker<'r>(pub(super) &'r Registry);

impl Maker<'_> {
    pub(super) fn keep<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let made = made.expect("names and labels of metrics are constants and valid");
        self.0.register(Box::new(made.clone())).expect("every metric has its own name");
        made
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.keep(IntCounter::with_opts(options(name, help)))
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(IntCounterVec::new(options(name, help), labels))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.keep(IntGauge::with_opts(options(name, help)))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, label: &str) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(options(name, help), &[label]))
    }

    pub(super) fn moment(&self, name: &str, help: &str) -> Gauge {
        self.keep(Gauge::with_opts(options(name, help)))
    }

    pub(super) fn seconds(&self, name: &str, help: &str) -> Histogram {
        let options = HistogramOpts::from(options(name, help)).buckets(PASS_SECONDS.to_vec());
        self.keep(Histogram::with_opts(options))
    }

    pub(super) fn seconds_by(&self, name: &str, help: &str, label: &str) -> HistogramVec {
        let options = HistogramOpts::from(options(name, help)).buckets(REQUEST_SECONDS.to_vec());
        self.keep(HistogramVec::new(options, &[label]))
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("writeback")
}
