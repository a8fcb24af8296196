//! The world of a story as it truly is, and as it was a few changes ago.

use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use writeback::model::{ObjectGuid, Operation};

use crate::directory::{Class, Directory, No};
use crate::names::{OWNER, id};
use crate::oracle::Oracle;
use crate::tenant::{Team, Tenant};

/// How far back a stale read may see.
const PAST_MAX: usize = 4;

/// Both sides, the time, and who watches.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) tenant: Rc<Tenant>,
    pub(crate) directory: Rc<Directory>,
    tenants: Vec<Rc<Tenant>>,
    directories: Vec<Rc<Directory>>,
    pub(crate) now: Timestamp,
    pub(crate) oracle: Oracle,
    /// Writes that changed something.
    pub(crate) writes: usize,
    /// Writes that were sent.
    pub(crate) sent: usize,
}

impl World {
    pub(crate) fn new((tenant, directory): (Tenant, Directory)) -> Self {
        Self {
            tenant: Rc::new(tenant),
            directory: Rc::new(directory),
            tenants: Vec::new(),
            directories: Vec::new(),
            now: Timestamp::from_second(1_800_000_000).expect("a time of the stories"),
            oracle: Oracle::default(),
            writes: 0,
            sent: 0,
        }
    }

    pub(crate) fn pass_time(&mut self, time: SignedDuration) {
        self.now = self.now.checked_add(time).expect("a story is short");
    }

    pub(crate) fn edit_tenant(&mut self, change: impl FnOnce(&mut Tenant)) {
        remember(&mut self.tenants, &self.tenant);
        change(Rc::make_mut(&mut self.tenant));
    }

    pub(crate) fn edit_team(&mut self, team: &str, change: impl FnOnce(&mut Team)) {
        self.edit_tenant(|tenant| change(tenant.team(team)));
    }

    pub(crate) fn edit_directory(&mut self, change: impl FnOnce(&mut Directory)) {
        remember(&mut self.directories, &self.directory);
        change(Rc::make_mut(&mut self.directory));
    }

    /// The tenant as it was so many changes ago.
    pub(crate) fn tenant_before(&self, steps: usize) -> Rc<Tenant> {
        before(&self.tenants, &self.tenant, steps)
    }

    /// The directory as it was so many changes ago.
    pub(crate) fn directory_before(&self, steps: usize) -> Rc<Directory> {
        before(&self.directories, &self.directory, steps)
    }

    /// One write of the daemon.
    pub(crate) fn write(&mut self, operation: &Operation) -> Result<(), No> {
        self.sent += 1;
        let mut changed = Directory::clone(&self.directory);
        changed.operate(operation)?;
        self.writes += 1;
        let former = Rc::clone(&self.directory);
        remember(&mut self.directories, &former);
        self.directory = Rc::new(changed);
        self.oracle.judge(operation, (&former, &self.directory), &self.tenant, self.now);
        Ok(())
    }

    /// The living directory group of a team.
    pub(crate) fn object_of(&self, team: &str) -> Option<ObjectGuid> {
        object_of(&self.directory, team)
    }
}

/// The living directory group that carries our record of a team.
pub(crate) fn object_of(directory: &Directory, team: &str) -> Option<ObjectGuid> {
    let (owner, mark) = (format!(";owner={OWNER};"), format!(";id={};", id(team)));
    let groups = directory.objects.values().filter(|one| one.class == Class::Group);
    let mut ours = groups.filter(|one| {
        let mut records = one.values("extensionName").iter();
        records.any(|text| text.contains(&owner) && text.contains(&mark))
    });
    ours.next().map(|one| one.guid)
}

fn remember<T>(past: &mut Vec<Rc<T>>, now: &Rc<T>) {
    past.push(Rc::clone(now));
    if past.len() > PAST_MAX {
        past.remove(0);
    }
}

fn before<T>(past: &[Rc<T>], now: &Rc<T>, steps: usize) -> Rc<T> {
    let known = past.len().saturating_sub(steps);
    past.get(known).filter(|_| steps > 0).map_or_else(|| Rc::clone(now), Rc::clone)
}
