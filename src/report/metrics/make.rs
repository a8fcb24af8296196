//! How metrics are made: with their prefix, their buckets, and a place in the registry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry,
};

/// Bounds of request times: a fast answer, a slow one, one that met its limit.
const REQUEST_SECONDS: [f64; 9] = [0.005, 0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];
/// Bounds of pass times: a small estate to an hour.
const PASS_SECONDS: [f64; 9] = [0.1, 0.5, 2.0, 10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0];
/// Bounds of the way from the cloud to the directory: one quick pass to a day of failures.
/// Twenty minutes, an interval and the longest pass that is usual, is what the alert watches.
const PROPAGATION_SECONDS: [f64; 11] =
    [1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 600.0, 1200.0, 3600.0, 14_400.0, 86_400.0];
/// The prefix of everything that is this program's own.
const PREFIX: &str = "writeback";
/// The loop, as the families that reconcilers share name it.
const QUEUE_LABEL: (&str, &str) = ("name", "reconcile");

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

    pub(super) fn moments(&self, name: &str, help: &str, label: &str) -> GaugeVec {
        self.keep(GaugeVec::new(options(name, help), &[label]))
    }

    pub(super) fn changing(&self, name: &str, help: &str, labels: &[&str]) -> Changing {
        let gauge = self.keep(GaugeVec::new(options(name, help), labels));
        Changing { gauge, known: Mutex::default() }
    }

    pub(super) fn seconds(&self, name: &str, help: &str) -> Histogram {
        self.histogram(options(name, help), &PASS_SECONDS)
    }

    pub(super) fn propagation(&self, name: &str, help: &str) -> Histogram {
        self.histogram(options(name, help), &PROPAGATION_SECONDS)
    }

    pub(super) fn seconds_by(&self, name: &str, help: &str, label: &str) -> HistogramVec {
        let options = HistogramOpts::from(options(name, help)).buckets(REQUEST_SECONDS.to_vec());
        self.keep(HistogramVec::new(options, &[label]))
    }

    /// `workqueue_*`: the names that reconcilers share.
    pub(super) fn queue_seconds(&self, name: &str, help: &str) -> Histogram {
        self.histogram(queue_options(name, help), &PASS_SECONDS)
    }

    pub(super) fn queue_gauge(&self, name: &str, help: &str) -> Gauge {
        self.keep(Gauge::with_opts(queue_options(name, help)))
    }

    pub(super) fn queue_counter(&self, name: &str, help: &str) -> IntCounter {
        self.keep(IntCounter::with_opts(queue_options(name, help)))
    }

    /// `process_*`: the names that every exporter shares.
    pub(super) fn of_process(&self, name: &str, help: &str) -> Gauge {
        self.keep(Gauge::with_opts(Opts::new(name, help).namespace("process")))
    }

    pub(super) fn total_of_process(&self, name: &str, help: &str) -> Counter {
        self.keep(Counter::with_opts(Opts::new(name, help).namespace("process")))
    }

    fn histogram(&self, options: Opts, bounds: &[f64]) -> Histogram {
        self.keep(Histogram::with_opts(HistogramOpts::from(options).buckets(bounds.to_vec())))
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace(PREFIX)
}

fn queue_options(name: &str, help: &str) -> Opts {
    let (label, word) = QUEUE_LABEL;
    Opts::new(name, help).namespace("workqueue").const_label(label, word)
}

/// Series that come and go with the policy folder: one that ends leaves nothing behind, and one
/// that stays is never missing in between.
#[derive(Debug)]
pub(super) struct Changing {
    gauge: GaugeVec,
    known: Mutex<BTreeSet<Vec<String>>>,
}

impl Changing {
    /// Exactly these series from now on, by their label values.
    pub(super) fn become_all(&self, series: BTreeMap<Vec<String>, f64>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in known.iter().filter(|labels| !series.contains_key(*labels)) {
            // One that is not there any more is what is wanted.
            let _gone = self.gauge.remove_label_values(gone);
        }
        for (labels, value) in &series {
            self.gauge.with_label_values(labels).set(*value);
        }
        *known = series.into_keys().collect();
    }

    /// At least these series, at `start` where they are new, and no other.
    pub(super) fn keep_all(&self, labels: BTreeSet<Vec<String>>, start: f64) {
        let value = |labels: &Vec<String>| {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.contains(labels) { self.gauge.with_label_values(labels).get() } else { start }
        };
        let series = labels.into_iter().map(|labels| (labels.clone(), value(&labels)));
        self.become_all(series.collect());
    }
}
