//! The process itself, as every exporter names it. Comes from `/proc/self`, read at each scrape;
//! where there is none, the series stay at zero.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use prometheus::{Counter, Gauge};

use crate::report::metrics::make::Maker;
use crate::report::metrics::moment;

/// Clock ticks a second in `/proc/self/stat`: USER_HZ, the same on every Linux that programs see
/// (proc(5), time(7)).
const TICKS_PER_SECOND: f64 = 100.0;
/// `utime` and `stime` in `/proc/self/stat` behind the closing parenthesis of the name, from 0
/// (proc(5), fields 14 and 15).
const TIMES: [usize; 2] = [11, 12];

/// The process.
#[derive(Debug)]
pub(super) struct OwnProcess {
    start: Gauge,
    memory: Gauge,
    files: Gauge,
    files_max: Gauge,
    busy: Counter,
}

impl OwnProcess {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        Self {
            start: make.of_process(
                "start_time_seconds",
                "When this process began, as its first event or scrape tells: milliseconds late.",
            ),
            memory: make.of_process("resident_memory_bytes", "Memory that is in use."),
            files: make.of_process("open_fds", "Files and sockets that are open."),
            files_max: make.of_process("max_fds", "How many may be open."),
            busy: make.total_of_process("cpu_seconds_total", "Time on processors."),
        }
    }

    /// The first time that anything tells is kept: the start of the system, from which the kernel
    /// counts the times of processes, is hidden from a confined service.
    pub(super) fn seen(&self, at: Timestamp) {
        if self.start.get() <= 0.0 {
            self.start.set(moment(at));
        }
    }

    /// Reads what the kernel says.
    pub(super) fn look(&self) {
        let own = Path::new("/proc/self");
        let read = |name: &str| fs::read_to_string(own.join(name)).unwrap_or_default();
        if let Some(bytes) = resident(&read("status")) {
            self.memory.set(bytes);
        }
        if let Some(seconds) = busy(&read("stat")) {
            // Two scrapes at once may read in one order and come here in the other.
            self.busy.inc_by((seconds - self.busy.get()).max(0.0));
        }
        if let Some(limit) = files_max(&read("limits")) {
            self.files_max.set(limit);
        }
        if let Ok(open) = fs::read_dir(own.join("fd")) {
            // The folder that is being read is open as well.
            let open = u32::try_from(open.count().saturating_sub(1)).unwrap_or(u32::MAX);
            self.files.set(f64::from(open));
        }
    }
}

/// `VmRSS` of `/proc/self/status`, in bytes.
fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// User and system time of `/proc/self/stat`, in seconds. The name, which may hold anything, ends
/// with the last parenthesis.
fn busy(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = TIMES.map(|place| fields.get(place)?.parse::<f64>().ok());
    let [Some(user), Some(system)] = ticks else { return None };
    Some((user + system) / TICKS_PER_SECOND)
}

/// The soft limit of open files in `/proc/self/limits`.
fn files_max(limits: &str) -> Option<f64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_read() {
        assert_eq!(resident("Name:\twriteback\nVmRSS:\t   12 kB\n"), Some(12.0 * 1024.0));
        assert_eq!(resident("Name:\twriteback\n"), None);
        let stat = "7 (a) b) S 1 1 1 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(busy(stat), Some(3.0));
        assert_eq!(busy("7 (a"), None);
        assert_eq!(
            files_max("Max open files            1024                 4096    files\n"),
            Some(1024.0)
        );
        assert_eq!(
            files_max("Max open files            unlimited            unlimited files\n"),
            None
        );
    }
}
