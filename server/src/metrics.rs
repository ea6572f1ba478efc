//! What is counted, as text for Prometheus.
//!
//! Names and labels are `&'static str`, all of them: no user id, address or authkey can become one. Nothing here knows
//! statuses or PINs either: what a token answers is nobody's statistics, because duress would show in it.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Upper ends of the buckets of a [`Histogram`], in microseconds.
const BUCKETS: [u64; 14] =
    [25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_500_000, 10_000_000];

/// Label name and value.
pub type Label = (&'static str, &'static str);

/// Something that happens. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// It has happened once more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has happened.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many there are now. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<AtomicU64>);

/// One of those that a [`Gauge`] counts; gone when dropped.
#[derive(Debug)]
pub struct Present(Gauge);

impl Gauge {
    /// There is one more, until the answer is dropped.
    #[must_use]
    pub fn enter(&self) -> Present {
        self.0.fetch_add(1, Ordering::Relaxed);
        Present(self.clone())
    }

    /// There are so many, as somebody has counted. Not for one that [`Gauge::enter`] is used with.
    pub fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long something takes. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Histogram(Arc<Durations>);

#[derive(Debug, Default)]
struct Durations {
    /// By bucket, the last for what is longer than all of them.
    counts: [AtomicU64; BUCKETS.len() + 1],
    /// Nanoseconds.
    sum: AtomicU64,
}

impl Histogram {
    /// It has taken so long.
    pub fn observe(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|end| micros <= *end).unwrap_or(BUCKETS.len());
        self.0.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.sum.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Measures a [`Duration`]; says nothing about what time it is.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "how long it has taken, not what time it is")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since then.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The time since then, and the end of it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "how long it has taken, not what time it is")]
    pub fn split(self) -> (Duration, tokio::time::Instant) {
        let now = tokio::time::Instant::now();
        (now.into_std().saturating_duration_since(self.0), now)
    }
}

enum Source {
    Counter(Counter),
    Gauge(Gauge),
    Sample(Box<dyn Fn() -> u64 + Send + Sync>),
    Histogram(Histogram),
}

impl Source {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Counter(_) => "counter",
            Self::Gauge(_) | Self::Sample(_) => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

struct Family {
    name: &'static str,
    help: &'static str,
    series: Vec<(Vec<Label>, Source)>,
}

/// Everything that is counted. Clones share it.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Mutex<Vec<Family>>>);

impl Metrics {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Something new to count. `name` ends in `_total`; several may share it with different `labels`.
    #[must_use]
    pub fn counter(&self, name: &'static str, help: &'static str, labels: &[Label]) -> Counter {
        let counter = Counter::default();
        self.add(name, help, labels, Source::Counter(counter.clone()));
        counter
    }

    /// As [`Metrics::counter`], for one that counts already.
    pub fn show(&self, name: &'static str, help: &'static str, labels: &[Label], counter: &Counter) {
        self.add(name, help, labels, Source::Counter(counter.clone()));
    }

    /// Something new of which there are more or fewer.
    #[must_use]
    pub fn gauge(&self, name: &'static str, help: &'static str, labels: &[Label]) -> Gauge {
        let gauge = Gauge::default();
        self.add(name, help, labels, Source::Gauge(gauge.clone()));
        gauge
    }

    /// A number that is asked for when somebody looks. `value` must not wait.
    pub fn sample(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[Label],
        value: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        self.add(name, help, labels, Source::Sample(Box::new(value)));
    }

    /// Something new that takes time. `name` ends in `_seconds`.
    #[must_use]
    pub fn histogram(&self, name: &'static str, help: &'static str, labels: &[Label]) -> Histogram {
        let histogram = Histogram::default();
        self.add(name, help, labels, Source::Histogram(histogram.clone()));
        histogram
    }

    fn add(&self, name: &'static str, help: &'static str, labels: &[Label], source: Source) {
        let mut families = self.families();
        let series = (labels.to_vec(), source);
        match families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.series.push(series),
            None => families.push(Family { name, help, series: vec![series] }),
        }
    }

    fn families(&self) -> MutexGuard<'_, Vec<Family>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything in the text format of Prometheus, version 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(8192);
        for Family { name, help, series } in &*self.families() {
            let Some((_, first)) = series.first() else { continue };
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {}", first.kind());
            for (labels, source) in series {
                let _ = match source {
                    Source::Counter(counter) => writeln!(text, "{name}{} {}", Labels(labels, None), counter.get()),
                    Source::Gauge(gauge) => writeln!(text, "{name}{} {}", Labels(labels, None), gauge.get()),
                    Source::Sample(value) => writeln!(text, "{name}{} {}", Labels(labels, None), value()),
                    Source::Histogram(histogram) => render_histogram(&mut text, name, labels, histogram),
                };
            }
        }
        text
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("families", &self.families().len()).finish()
    }
}

fn render_histogram(text: &mut String, name: &str, labels: &[Label], Histogram(durations): &Histogram) -> fmt::Result {
    let mut count = 0;
    for (number, bucket) in durations.counts.iter().enumerate() {
        count += bucket.load(Ordering::Relaxed);
        let end = BUCKETS.get(number).map_or_else(|| "+Inf".to_owned(), |micros| seconds(micros * 1_000));
        writeln!(text, "{name}_bucket{} {count}", Labels(labels, Some(&end)))?;
    }
    let (labels, sum) = (Labels(labels, None), seconds(durations.sum.load(Ordering::Relaxed)));
    writeln!(text, "{name}_sum{labels} {sum}\n{name}_count{labels} {count}")
}

/// Nanoseconds as a decimal fraction of seconds.
fn seconds(nanos: u64) -> String {
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Labels in braces, with the end of a bucket or without.
struct Labels<'a>(&'a [Label], Option<&'a str>);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.1.map(|end| ("le", end));
        let mut separator = '{';
        for (name, value) in self.0.iter().copied().chain(end) {
            write!(f, "{separator}{name}=\"{value}\"")?;
            separator = ',';
        }
        if separator == ',' { f.write_str("}") } else { Ok(()) }
    }
}

/// Adds what is known about the process itself: open files and resident memory, where the system says.
pub fn of_process(metrics: &Metrics) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    metrics.sample("cardea_build_info", "Always 1.", &version, || 1);
    if cfg!(target_os = "linux") {
        let files = || std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64);
        metrics.sample("process_open_fds", "Open file descriptors.", &[], files);
        let memory = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
            line.and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
        };
        metrics.sample("process_resident_memory_bytes", "Resident memory.", &[], memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_can_be_read() {
        let metrics = Metrics::new();
        let ok = metrics.counter("calls_total", "Calls.", &[("code", "200")]);
        let bad = metrics.counter("calls_total", "Calls.", &[("code", "400")]);
        let connections = metrics.gauge("connections", "Connections.", &[]);
        metrics.sample("waiting", "Waiting.", &[], || 7);
        ok.add();
        ok.clone().add();
        bad.add();
        let here = connections.enter();
        drop(connections.enter());
        let expected = "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{code=\"200\"} 2\n\
                        calls_total{code=\"400\"} 1\n# HELP connections Connections.\n# TYPE connections gauge\n\
                        connections 1\n# HELP waiting Waiting.\n# TYPE waiting gauge\nwaiting 7\n";
        assert_eq!(metrics.render(), expected);
        drop(here);
        assert!(metrics.render().contains("\nconnections 0\n"));
    }

    #[test]
    fn durations_are_counted_in_every_bucket_that_holds_them() {
        let metrics = Metrics::new();
        let histogram = metrics.histogram("took_seconds", "Took.", &[("route", "x")]);
        for micros in [25, 26, 3_000_000, 60_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let text = metrics.render();
        for line in [
            "took_seconds_bucket{route=\"x\",le=\"0.000025\"} 1",
            "took_seconds_bucket{route=\"x\",le=\"0.00005\"} 2",
            "took_seconds_bucket{route=\"x\",le=\"2.5\"} 2",
            "took_seconds_bucket{route=\"x\",le=\"10\"} 3",
            "took_seconds_bucket{route=\"x\",le=\"+Inf\"} 4",
            "took_seconds_sum{route=\"x\"} 63.000051",
            "took_seconds_count{route=\"x\"} 4",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}: {text}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_says_how_large_it_is() {
        let metrics = Metrics::new();
        of_process(&metrics);
        let text = metrics.render();
        let value = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name}: {text}"))
        };
        assert!(value("process_open_fds") > 2);
        assert!(value("process_resident_memory_bytes") > 1 << 20);
        assert!(text.contains("cardea_build_info{version=\""));
    }
}
