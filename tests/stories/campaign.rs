//! Many stories at a time: which ones, on how many threads, and what is told of those that fail.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;

use writeback::model::Digest;

use crate::play::Stage;
use crate::sometimes::Sometimes;
use crate::trouble::{Act, Disturbance, Point, Script};

/// What many stories came to.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) stories: usize,
    pub(crate) met: usize,
    /// Of each story, what tells it from every other.
    pub(crate) digests: BTreeSet<Digest>,
    pub(crate) failures: Vec<String>,
    pub(crate) sometimes: Sometimes,
}

/// Failures that are shown; more are counted.
const SHOWN_MAX: usize = 40;

impl Told {
    fn take(&mut self, stage: &Stage, script: &Script) {
        self.stories += 1;
        self.digests.insert(Digest::of(script.to_string().as_bytes()));
        match stage.play(script, false) {
            Ok(ended) => {
                self.met += ended.met;
                self.sometimes.merge(&ended.sometimes);
            }
            Err(what) => {
                let what: String = what.chars().take(1_500).collect();
                let what = format!("{}\n{what}\n", script.command());
                // At once: whoever reads need not wait for the end.
                if self.failures.len() < SHOWN_MAX {
                    println!("{what}");
                }
                self.failures.push(what);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.stories += other.stories;
        self.met += other.met;
        self.digests.extend(other.digests);
        self.failures.extend(other.failures);
        self.sometimes.merge(&other.sometimes);
    }

    /// Fails when one of the stories did.
    pub(crate) fn check(&self) {
        let shown: Vec<_> = self.failures.iter().take(SHOWN_MAX).cloned().collect();
        let count = self.failures.len();
        assert!(
            count == 0,
            "{count} of {} stories fail; the first ones:\n\n{}",
            self.stories,
            shown.join("\n")
        );
    }
}

/// Every disturbance of the story of a seed, one at a time.
pub(crate) fn singles(stage: &Stage) -> Vec<Disturbance> {
    let mut all = Vec::new();
    for (point, count) in &stage.undisturbed.passed {
        for number in 0..*count {
            for act in point.acts() {
                all.push(Disturbance { act: *act, point: *point, number });
            }
        }
    }
    all
}

/// One of the disturbances of a story.
fn any(random: &mut Rng, stage: &Stage) -> Disturbance {
    let points: Vec<_> = stage.undisturbed.passed.iter().collect();
    let (point, count) = points[random.usize(0..points.len())];
    // A start comes once in an undisturbed story, and after every stop in a disturbed one.
    let number = random.usize(0..count + 2);
    let acts = point.acts();
    Disturbance { act: acts[random.usize(0..acts.len())], point: *point, number }
}

/// Stories of one seed with several disturbances each.
pub(crate) fn mixtures(stage: &Stage, seed: u64, count: usize) -> Vec<Script> {
    let mut random = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut all = BTreeSet::new();
    while all.len() < count {
        let script = if random.u32(0..4) == 0 {
            // A stop, and another while the daemon starts again.
            let first = loop {
                let one = any(&mut random, stage);
                if matches!(one.act, Act::StopBefore | Act::StopAfter | Act::Torn)
                    && one.point != Point::Open
                {
                    break one;
                }
            };
            let act = [Act::StopBefore, Act::StopAfter, Act::Lost][random.usize(0..3)];
            let number = 1 + random.usize(0..2);
            Script::new(seed, [first, Disturbance { act, point: Point::Open, number }])
        } else {
            let several = random.usize(2..6);
            Script::new(seed, (0..several).map(|_| any(&mut random, stage)))
        };
        all.insert(script);
    }
    all.into_iter().collect()
}

/// Tells what `draw` gives for each number below `count`, on every processor: a seed, and its
/// scripts; without scripts, mixtures.
pub(crate) fn tell(count: usize, draw: impl Fn(usize) -> (u64, Vec<Script>) + Sync) -> Told {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Told::default()));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut told = Told::default();
                let mut stage: Option<(u64, Stage)> = None;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let (seed, scripts) = draw(number);
                    if stage.as_ref().is_none_or(|(known, _)| *known != seed) {
                        match Stage::new(seed, false) {
                            Ok(set) => stage = Some((seed, set)),
                            Err(what) => {
                                let command = Script::new(seed, []).command();
                                told.failures.push(format!("{command}\n{what}\n"));
                                continue;
                            }
                        }
                    }
                    let Some((_, stage)) = &stage else { continue };
                    let scripts = if scripts.is_empty() {
                        mixtures(stage, seed, crate::SCRIPTS_OF_A_SEED)
                    } else {
                        scripts
                    };
                    for script in &scripts {
                        told.take(stage, script);
                    }
                }
                all.lock().expect("no thread panics").merge(told);
            });
        }
    });
    let mut told = all.into_inner().expect("no thread panics");
    told.failures.sort();
    told
}
