//! Tables of text in the database engine: read whole, written where they differ.
//!
//! Called by `state` alone; knows rows, not what they mean.

use std::collections::BTreeMap;

use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase as _, ReadableTable as _,
    StorageBackend, TableDefinition, TableError, TableHandle as _,
};

use crate::defence;
use crate::state::backend::Begun;
use crate::state::image::{Image, Rows};

/// How much of the file the engine keeps in memory. A save compares every row once, in order, so
/// that a cache helps with the inner pages and with what one save writes (half of it at most): some
/// thousand changed groups at 2 KiB each. The whole state of 2,000 groups with 100,000 members fits
/// as well; larger ones are read through the page cache of the system.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

type Table<'a> = TableDefinition<'a, &'static str, &'static str>;

/// A row that is to be put (`Some`) or taken out.
type Edit = (String, Option<String>);
/// Rows to put and to take out, by table.
pub(super) type Edits = Vec<(&'static str, Vec<Edit>)>;

/// Opens or makes the database and checks every page of it against its checksum.
pub(super) fn open(backend: impl StorageBackend) -> Result<Database, redb::Error> {
    let database = Database::builder()
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(defence::stands("H67"))
        .create_with_backend(Begun::new(backend))?;
    Ok(database)
}

/// All rows of all tables.
pub(super) fn read(database: &Database) -> Result<Image, redb::Error> {
    let reading = database.begin_read()?;
    let mut image = Image::new();
    for table in reading.list_tables()? {
        let name = table.name().to_owned();
        let mut rows = BTreeMap::new();
        for row in reading.open_table(Table::new(&name))?.iter()? {
            let (key, value) = row?;
            rows.insert(key.value().to_owned(), value.value().to_owned());
        }
        image.insert(name, rows);
    }
    Ok(image)
}

/// What has to change so that the named tables hold these rows and no others.
pub(super) fn differences(
    database: &Database,
    tables: BTreeMap<&'static str, Rows<'_>>,
) -> Result<Edits, redb::Error> {
    let mut edits = Vec::new();
    let reading = database.begin_read()?;
    for (table, rows) in tables {
        edits.push((table, differences_of(&reading, table, rows)?));
    }
    reading.close()?;
    Ok(edits)
}

/// Puts rows and takes rows out, all in one transaction. When this returns, they are on disk.
pub(super) fn write(database: &Database, edits: Edits) -> Result<(), redb::Error> {
    let mut writing = database.begin_write()?;
    // Immediate: on disk when `commit` returns. Two phases: the header turns to the new rows only
    // after these are on disk, so that no reader ever has to guess by checksums.
    writing.set_durability(Durability::Immediate)?;
    writing.set_two_phase_commit(true);
    for (name, edits) in edits.into_iter().filter(|(_, edits)| !edits.is_empty()) {
        let mut table = writing.open_table(Table::new(name))?;
        for (key, value) in edits {
            match value {
                Some(value) => drop(table.insert(key.as_str(), value.as_str())?),
                None => drop(table.remove(key.as_str())?),
            }
        }
    }
    writing.commit()?;
    Ok(())
}

/// Merges the rows on disk with those wanted: two sequences by rising key.
fn differences_of(
    reading: &ReadTransaction,
    name: &str,
    wanted: Rows<'_>,
) -> Result<Vec<Edit>, redb::Error> {
    let mut wanted = wanted.peekable();
    let mut edits: Vec<Edit> = Vec::new();
    let table = match reading.open_table(Table::new(name)) {
        Ok(table) => Some(table),
        Err(TableError::TableDoesNotExist(_)) => None,
        Err(fault) => return Err(fault.into()),
    };
    if let Some(table) = table {
        for row in table.iter()? {
            let (key, value) = row?;
            let key = key.value();
            while let Some((new, value)) = wanted.next_if(|(new, _)| new.as_str() < key) {
                edits.push((new, Some(value)));
            }
            match wanted.next_if(|(same, _)| same == key) {
                Some((_, same)) if same == value.value() => {}
                Some((key, other)) => edits.push((key, Some(other))),
                None => edits.push((key.to_owned(), None)),
            }
        }
    }
    edits.extend(wanted.map(|(key, value)| (key, Some(value))));
    Ok(edits)
}
