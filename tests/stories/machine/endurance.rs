//! What the process finds when it starts, leaves when it dies, and puts on disk in between: at
//! every line of the journal and every save it may end, find no room, or leave half of it.

use std::io;
use std::path::Path;

use writeback::journal::{Journal, JournalError};
use writeback::state::State;

use super::{Daemon, Halt, Living, Machine};
use crate::books;
use crate::disk::Platter;
use crate::trouble::{Act, Point};

impl Machine {
    /// The process is gone, with all it had in mind.
    pub(super) fn die(&mut self) {
        self.say("dies");
        let share = self.share;
        self.platter = self.platter.crash(share);
        self.life = None;
        if let Some(length) = self.tear.take() {
            self.folder.tear(length, &mut self.random);
        }
        self.share = [0, 255, 100][self.random.usize(0..3)];
    }

    pub(super) fn start(&mut self) -> Living<()> {
        let restarted = self.folder.length() > 0;
        let act = self.gate.pass(Point::Open);
        match act {
            Some(Act::StopBefore) => {
                self.sometimes.count_if("a crash in a start", restarted);
                self.sometimes.count_if("a crash in the start after a crash", self.died_starting);
                self.died_starting = true;
                return Err(Halt::Died);
            }
            Some(Act::Lost) => {
                self.sometimes.count_if("a lost state", restarted);
                self.platter = Platter::default();
                self.is_lost = true;
            }
            _ => {}
        }
        let now = self.world.now;
        let (books, memory, told) = books::open(self, now)?;
        self.sometimes.count_if("an intent without an outcome", told.open_intents > 0);
        self.sometimes.count_if("a state behind the journal", told.is_news);
        self.sometimes.count_if("a window that is closed", memory.closed_until.is_some());
        if let (Some(why), false) = (&told.warning, self.is_lost) {
            let first = self.world.writes == 0;
            if !first {
                return Err(Halt::Wrong(format!("nothing was lost, and removals wait: {why}")));
            }
        }
        let (died, held, approved) = (self.died_writing, self.died_holding, self.died_approving);
        self.sometimes.count_if("a crash in the midst of writing", died);
        self.sometimes.count_if("a crash while something was held", held);
        self.sometimes.count_if("a crash while an approval was open", approved);
        self.sometimes.count_if("a lost save, the journal kept", self.died_unsaved);
        (self.died_writing, self.died_holding) = (false, false);
        (self.died_approving, self.died_unsaved) = (false, false);
        self.say(&format!("starts: {told:?}"));
        let (broken, requests) = (false, Vec::new());
        self.life = Some(Daemon { memory, books, broken, requests, resynced: now });
        if act == Some(Act::StopAfter) {
            self.sometimes.count_if("a crash in a start", restarted);
            self.sometimes.count_if("a crash in the start after a crash", self.died_starting);
            self.died_starting = true;
            return Err(Halt::Died);
        }
        self.died_starting = false;
        Ok(())
    }

    /// A line of the journal.
    pub(crate) fn journalled<T>(
        &mut self,
        work: impl FnOnce(&mut Journal) -> Result<T, JournalError>,
    ) -> Living<Result<T, JournalError>> {
        let path = self.folder.path().join(writeback::journal::FILE_NAME);
        match self.gate.pass(Point::Journal) {
            Some(Act::StopBefore) => Err(Halt::Died),
            Some(Act::Full) => {
                self.sometimes.count("a full disk under the journal");
                let source = io::Error::from(io::ErrorKind::StorageFull);
                Ok(Err(JournalError::Full { path, source }))
            }
            Some(Act::Broken) => {
                self.sometimes.count("a journal that cannot be written");
                self.life().broken = true;
                let source = io::Error::other("the disk fails");
                Ok(Err(JournalError::Write { path, source }))
            }
            act => {
                let length = self.folder.length();
                let done = work(&mut self.life().books.journal);
                match act {
                    Some(Act::StopAfter) => Err(Halt::Died),
                    Some(Act::Torn) => {
                        self.sometimes.count("a torn line of the journal");
                        self.tear = Some(length);
                        Err(Halt::Died)
                    }
                    _ => Ok(done),
                }
            }
        }
    }

    /// Puts memory on disk.
    pub(super) fn save(&mut self) -> Living<bool> {
        let act = self.gate.pass(Point::Save);
        if act == Some(Act::StopBefore) {
            return Err(Halt::Died);
        }
        let Some(mut life) = self.life.take() else { return Err(Halt::Died) };
        if life.books.state.is_none() {
            // What stands in it is older than the memory that will be saved.
            let platter = self.platter.crash(255);
            self.platter = platter.clone();
            let opened = State::open_backend(platter, Path::new("state"), books::binding());
            life.books.state = opened.ok().map(|(state, _)| state);
        }
        match act {
            Some(Act::Torn) => self.platter.limit(Some(self.random.usize(0..24))),
            Some(Act::Full) => self.platter.limit(Some(self.random.usize(0..8))),
            _ => {}
        }
        let saved = life.books.save(&life.memory);
        self.platter.limit(None);
        self.life = Some(life);
        match act {
            Some(Act::Torn) => {
                self.sometimes.count("a torn save");
                return Err(Halt::Died);
            }
            Some(Act::StopAfter) => return Err(Halt::Died),
            _ => {}
        }
        self.sometimes.count_if("a full disk under the state", saved.is_err());
        Ok(saved.is_ok())
    }
}
