use super::*;
use std::sync::Arc;

/// A new folder for one test's store.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Folder {
        // A test program is target/PROFILE/deps/NAME. If the tests are killed, the next run
        // replaces the folder.
        let program = std::env::current_exe().unwrap();
        let target = program.ancestors().nth(3).unwrap();
        let dir = target.join("tmp").join(format!("store-{name}"));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Folder(dir)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.join("tokens.redb")
    }

    pub(super) fn store(&self) -> File {
        File::new(self.path().to_str().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Deterministic numbers, so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

const RECORDS: usize = 40;

fn value(n: usize) -> String {
    format!("value {n} {}", "x".repeat(n * 40))
}

/// A store with records and locks, written in many steps.
fn filled(folder: &Folder) -> Vec<u8> {
    let store = folder.store();
    for n in 0..RECORDS {
        let key = format!("key {n}");
        assert!(store.swap(&key, None, "first", soon()).unwrap());
        assert!(store.swap(&key, Some(b"first"), &value(n), soon()).unwrap());
        let _ = store.lock(&key, &LockOwner::new(), LONGEST_LOCK, soon());
    }
    fs::read(folder.path()).unwrap()
}

/// Every access to the bytes either finds what was written or reports damage; a damaged file stays
/// as it is. Returns whether damage was reported.
fn is_reported_damaged(folder: &Folder, bytes: &[u8], what: &str) -> bool {
    let path = folder.path();
    fs::write(&path, bytes).unwrap();
    let started = Instant::now();
    let store = folder.store();
    let mut damage = None;
    for n in [0, RECORDS / 2, RECORDS - 1] {
        match store.read(&format!("key {n}"), soon()) {
            Ok(text) => assert_eq!(text, Some(value(n).into_bytes()), "{what}"),
            Err(e) => damage = Some(e),
        }
    }
    if let Err(e) = store.swap("new", None, "text", soon()) {
        damage = Some(e);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{what}: slow");
    if let Some(e) = &damage {
        let shown = format!("the store {} is damaged: ", path.display());
        assert!(e.why.to_string().starts_with(&shown), "{what}: {}", e.why);
        assert!(
            e.why.to_string().contains("Restore it or delete it"),
            "{what}"
        );
        assert!(!e.transient);
        let there = fs::read(&path).unwrap();
        assert!(there == bytes, "{what}: the damaged file was written to");
    }
    damage.is_some()
}

#[test]
fn it_fulfils_the_contract() {
    let folder = Folder::new("word");
    crate::store::contract::fulfils_the_contract(&folder.store());
}

#[test]
fn a_file_of_any_shorter_length_is_damaged() {
    let folder = Folder::new("short");
    let whole = filled(&folder);
    let mut lengths = vec![
        0, 1, 8, 9, 10, 63, 64, 319, 320, 4095, 4096, 4097, 8192, 65_536,
    ];
    lengths.extend([whole.len() / 2, whole.len() - 4096, whole.len() - 1]);
    let mut random = Numbers(0x5EED_0001);
    lengths.extend((0..30).map(|_| random.below(whole.len() as u64) as usize));
    for len in lengths {
        let what = format!("{len} of {} bytes", whole.len());
        assert!(is_reported_damaged(&folder, &whole[..len], &what), "{what}");
    }
}

#[test]
fn another_programs_file_is_refused() {
    let folder = Folder::new("other");
    let whole = filled(&folder);
    let mut random = Numbers(0x5EED_0002);
    let noise: Vec<u8> = (0..whole.len()).map(|_| random.below(256) as u8).collect();
    let mut begins_right = noise.clone();
    begins_right[..9].copy_from_slice(&whole[..9]);
    let mut header_right = noise.clone();
    header_right[..320].copy_from_slice(&whole[..320]);
    for (what, bytes) in [
        ("zeros", vec![0; whole.len()]),
        ("noise", noise),
        ("noise behind the magic number", begins_right),
        ("noise behind the header", header_right),
        ("a text", b"access_token=T\n".repeat(1000)),
        ("SQLite", b"SQLite format 3\0".repeat(1000)),
    ] {
        assert!(is_reported_damaged(&folder, &bytes, what), "{what}");
    }
    // A database of redb that is not ours.
    let _ = fs::remove_file(folder.path());
    let other: TableDefinition<u64, u64> = TableDefinition::new("texts");
    {
        let database = Database::create(folder.path()).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(other).unwrap().insert(1, 1).unwrap();
        write.commit().unwrap();
    }
    let error = folder.store().read("key", soon()).err().unwrap();
    assert!(
        error.why.to_string().contains("is damaged"),
        "{}",
        error.why
    );
}

/// Flips bits, bytes and ranges. How many tries: `WXLINK_FLIPS`.
#[test]
fn flipped_bytes_are_found_or_do_not_matter() {
    let tries = std::env::var("WXLINK_FLIPS").map_or(150, |n| n.parse().unwrap());
    let seed = std::env::var("WXLINK_SEED").map_or(0x5EED_0003, |n| n.parse().unwrap());
    let folder = Folder::new("flips");
    let whole = filled(&folder);
    // Where something is written at all, so that not all tries hit unused space.
    let used: Vec<usize> = (0..whole.len()).filter(|n| whole[*n] != 0).collect();
    let mut random = Numbers(seed);
    let mut found = 0;
    for n in 0..tries {
        let mut bytes = whole.clone();
        let place = |random: &mut Numbers| match n % 4 {
            0 => random.below(320) as usize,
            1 => random.below(whole.len() as u64) as usize,
            _ => used[random.below(used.len() as u64) as usize],
        };
        let at = place(&mut random);
        match n % 5 {
            0 => bytes[at] = 0xFF,
            1 => bytes[at] = 0,
            2 => {
                let end = (at + 1 + random.below(64) as usize).min(bytes.len());
                for byte in &mut bytes[at..end] {
                    *byte = random.below(256) as u8;
                }
            }
            _ => bytes[at] ^= 1 << random.below(8),
        }
        found += usize::from(is_reported_damaged(
            &folder,
            &bytes,
            &format!("try {n}, at {at}"),
        ));
    }
    // Most of a file is unused, or holds pages that were replaced: flips there do not matter.
    assert!(found * 20 > tries, "{found} of {tries}");
}

#[test]
fn records_survive_a_process_that_is_killed_while_it_writes() {
    let folder = Folder::new("crash");
    filled(&folder);
    // What a killed process leaves: a file that is not closed.
    let copies: Vec<Vec<u8>> = {
        let file = place::open(&folder.path(), soon()).unwrap().unwrap();
        let backend = Backend::new(file, Mode::Write).unwrap();
        let database = open_database(&backend, Builder::new()).unwrap();
        (0..5)
            .map(|n| {
                let write = database.begin_write().unwrap();
                {
                    let mut texts = write.open_table(TEXTS).unwrap();
                    texts.insert(format!("later {n}").as_str(), "text").unwrap();
                }
                write.commit().unwrap();
                fs::read(folder.path()).unwrap()
            })
            .collect()
    };
    for (n, copy) in copies.iter().enumerate() {
        assert!(!is_reported_damaged(&folder, copy, "an unfinished file"));
        let store = folder.store();
        let later = |n| store.read(&format!("later {n}"), soon()).unwrap();
        assert_eq!(later(n).as_deref(), Some(b"text".as_slice()));
        assert_eq!(later(n + 1), None);
        // The second access finds a file that is closed again.
        assert!(store.swap("more", None, "text", soon()).unwrap());
        assert!(folder.store().read("more", soon()).unwrap().is_some());
    }
}

#[test]
fn the_layout_in_the_header_is_what_redb_makes() {
    let folder = Folder::new("layout");
    filled(&folder);
    let file = fs::File::open(folder.path()).unwrap();
    let header = backend::header(&file).unwrap();
    assert_eq!(backend::wrong_header(&header, 1 << 20), None);
}

#[test]
fn looking_changes_nothing() {
    let folder = Folder::new("looking");
    let before = filled(&folder);
    folder.store().read("key 1", soon()).unwrap();
    assert!(fs::read(folder.path()).unwrap() == before);
}

#[test]
fn many_creators_make_one_store() {
    let folder = Folder::new("creators");
    let stores: Vec<File> = (0..8).map(|_| folder.store()).collect();
    std::thread::scope(|s| {
        for (n, store) in stores.iter().enumerate() {
            s.spawn(move || {
                let key = format!("key {n}");
                assert!(store.swap(&key, None, "text", soon()).unwrap());
            });
        }
    });
    let store = folder.store();
    for n in 0..8 {
        let text = store.read(&format!("key {n}"), soon()).unwrap();
        assert_eq!(text.as_deref(), Some(b"text".as_slice()), "{n}");
    }
    let left: Vec<_> = fs::read_dir(&folder.0).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_lock_of_another_start_of_the_machine_or_of_another_clock_is_none() {
    let folder = Folder::new("locks");
    let store = folder.store();
    let now = clock::now();
    let longest = millis(LONGEST_LOCK);
    for (boot, ends, is_held) in [
        (now.boot.as_str(), now.ms + longest / 2, true),
        (now.boot.as_str(), now.ms + longest + 600_000, false),
        (now.boot.as_str(), u64::MAX, false),
        (now.boot.as_str(), 0, false),
        ("another", now.ms + longest / 2, false),
    ] {
        store
            .change(LOCKS, soon(), |mut locks| {
                let owner = "another";
                let lock = Lock { boot, ends, owner };
                locks.insert("k", lock.row().as_str())?;
                Ok(((), true))
            })
            .unwrap();
        let ours = LockOwner::new();
        let taken = store.lock("k", &ours, LONGEST_LOCK, soon()).unwrap();
        assert_eq!(taken, !is_held, "{boot} {ends}");
    }
}

#[test]
fn an_access_ends_at_its_limit_while_another_has_the_file() {
    let folder = Folder::new("limit");
    let store = Arc::new(folder.store());
    assert!(store.swap("k", None, "text", soon()).unwrap());
    let held = place::open(&folder.path(), soon()).unwrap().unwrap();
    let started = Instant::now();
    let limit = started + Duration::from_millis(200);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                let error = store.read("k", limit).err().unwrap();
                assert!(error.is_late && error.transient, "{}", error.why);
                assert!(error.why.to_string().contains("is in use"), "{}", error.why);
            });
        }
    });
    assert!(started.elapsed() < Duration::from_secs(20));
    place::unlock(&held);
    drop(held);
    assert!(store.read("k", soon()).unwrap().is_some());
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn error(folder: &Folder) -> String {
        folder
            .store()
            .read("k", soon())
            .err()
            .unwrap()
            .why
            .to_string()
    }

    #[test]
    fn the_mode_of_a_file_that_is_there_is_set() {
        let folder = Folder::new("mode");
        filled(&folder);
        for mode in [0o666, 0o640, 0o604] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            folder.store().read("k", soon()).unwrap();
            assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn links_and_what_is_no_file_are_refused() {
        let folder = Folder::new("links");
        let elsewhere = folder.0.join("elsewhere");
        symlink(&elsewhere, folder.path()).unwrap();
        assert!(
            error(&folder).contains("symbolic link"),
            "{}",
            error(&folder)
        );
        assert!(!elsewhere.exists());
        fs::write(&elsewhere, "").unwrap();
        assert!(
            error(&folder).contains("symbolic link"),
            "{}",
            error(&folder)
        );

        fs::remove_file(folder.path()).unwrap();
        fs::create_dir(folder.path()).unwrap();
        assert!(
            error(&folder).contains("regular file"),
            "{}",
            error(&folder)
        );
        fs::remove_dir(folder.path()).unwrap();

        let mut make = std::process::Command::new("mkfifo");
        assert!(make.arg(folder.path()).status().unwrap().success());
        assert!(
            error(&folder).contains("regular file"),
            "{}",
            error(&folder)
        );
        fs::remove_file(folder.path()).unwrap();

        let socket = std::os::unix::net::UnixListener::bind(folder.path()).unwrap();
        assert!(
            error(&folder).contains("regular file"),
            "{}",
            error(&folder)
        );
        drop(socket);
    }

    #[test]
    fn a_folder_may_be_a_link() {
        let folder = Folder::new("folder-link");
        let real = folder.0.join("real");
        fs::create_dir(&real).unwrap();
        symlink(&real, folder.0.join("link")).unwrap();
        let path = folder.0.join("link/tokens.redb");
        let store = File::new(path.to_str().unwrap());
        assert!(store.swap("k", None, "text", soon()).unwrap());
        assert!(real.join("tokens.redb").is_file());
    }

    #[test]
    fn a_missing_folder_is_named() {
        let store = File::new("/nowhere/at/all");
        let why = store.read("k", soon()).err().unwrap().why.to_string();
        assert!(why.contains("its folder does not exist"), "{why}");
    }

    #[test]
    fn what_a_killed_creator_left_is_used_and_removed() {
        let folder = Folder::new("left-over");
        let new = folder.0.join(".tokens.redb.wxlink-new");
        fs::write(&new, [0; 4096]).unwrap();
        assert!(folder.store().swap("k", None, "text", soon()).unwrap());
        assert!(!new.exists());
        // Killed between giving the second name and removing the first.
        fs::hard_link(folder.path(), &new).unwrap();
        assert!(folder.store().read("k", soon()).unwrap().is_some());
        assert!(!new.exists());
        // A file of the user's, or of another program, has the name.
        fs::remove_file(folder.path()).unwrap();
        let mine = folder.0.join("mine");
        for (text, several_names) in [("precious", false), ("precious", true), ("", true)] {
            fs::write(&mine, text).unwrap();
            let put = if several_names {
                fs::hard_link
            } else {
                |a, b| fs::copy(a, b).map(drop)
            };
            put(mine.clone(), new.clone()).unwrap();
            assert!(error(&folder).contains("a file of another program"));
            for kept in [&mine, &new] {
                assert_eq!(fs::read_to_string(kept).unwrap(), text, "{several_names}");
            }
            assert!(!folder.path().exists());
            fs::remove_file(&new).unwrap();
        }
        // Something is prepared at the name.
        symlink(folder.0.join("elsewhere"), &new).unwrap();
        assert!(
            error(&folder).contains("symbolic link"),
            "{}",
            error(&folder)
        );
        assert!(!folder.path().exists());
    }
}
