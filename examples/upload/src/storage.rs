//! Uploads and files as plain data, all in memory: they know no sockets.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use serde::Serialize;
use socketio_actix::SocketId;
use tokio::time::Instant;

use crate::messages::{Refusal, Start, Started};

/// Well below `max_payload`, also as base64 for a client that polls.
pub(crate) const CHUNK_BYTES: usize = 65_536;
pub(crate) const FILE_BYTES: usize = 20_000_000;

const NAME_BYTES: usize = 255;
const TYPE_BYTES: usize = 100;

const FILES: usize = 50;
/// Beyond it are only files that go while they are downloaded: they live until that is over.
const FILES_BYTES: usize = 100_000_000;

const UPLOADS: usize = 100;
const UPLOADS_BYTES: usize = 100_000_000;
const UPLOADS_PER_CLIENT: usize = 4;
/// How long an upload is kept without a word from its client, be it connected or not.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Storage {
    uploads: HashMap<u64, Upload>,
    /// The oldest first.
    files: VecDeque<File>,
    last_id: u64,
}

#[derive(Debug)]
struct Upload {
    owner: SocketId,
    token: String,
    name: String,
    content_type: String,
    size: usize,
    bytes: Vec<u8>,
    last_heard: Instant,
}

/// A file that is complete.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct File {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) size: usize,
    /// What the client says it is: for people to read, and not to be believed.
    #[serde(rename = "type")]
    content_type: String,
    /// Milliseconds since 1970.
    time: u64,
    pub(crate) downloads: u64,
    #[serde(skip)]
    token: String,
    #[serde(skip)]
    pub(crate) bytes: Bytes,
}

impl Storage {
    /// Begins an upload, which the token is for.
    pub(crate) fn start(
        &mut self,
        owner: SocketId,
        Start { name, size, content_type }: Start,
        token: String,
        now: Instant,
    ) -> Result<Started, Refusal> {
        if !is_name(&name) {
            return Err(Refusal::Name { max: NAME_BYTES });
        }
        if content_type.len() > TYPE_BYTES {
            return Err(Refusal::Type { max: TYPE_BYTES });
        }
        match size {
            0 => return Err(Refusal::EmptyFile),
            1..=FILE_BYTES => {}
            _ => return Err(Refusal::LargeFile { max: FILE_BYTES }),
        }
        self.check_share(owner)?;
        let promised: usize = self.uploads.values().map(|upload| upload.size).sum();
        if self.uploads.len() == UPLOADS || promised + size > UPLOADS_BYTES {
            return Err(Refusal::Busy);
        }

        self.last_id += 1;
        let id = self.last_id;
        // Exact, as it becomes the file.
        let bytes = Vec::with_capacity(size);
        let started = Started { id, token: token.clone(), chunk_bytes: CHUNK_BYTES };
        let upload = Upload { owner, token, name, content_type, size, bytes, last_heard: now };
        self.uploads.insert(id, upload);
        Ok(started)
    }

    /// Adds the chunk that is due. Gives how many bytes there are then.
    pub(crate) fn add(
        &mut self,
        owner: SocketId,
        id: u64,
        offset: usize,
        chunk: &[u8],
        now: Instant,
    ) -> Result<usize, Refusal> {
        let upload = self.uploads.get_mut(&id).filter(|upload| upload.owner == owner);
        let upload = upload.ok_or(Refusal::Unknown)?;
        let received = upload.bytes.len();
        if offset != received {
            return Err(Refusal::Offset { expected: received, actual: offset });
        }
        let due = CHUNK_BYTES.min(upload.size - received);
        if chunk.len() != due {
            return Err(Refusal::ChunkLength { expected: due, actual: chunk.len() });
        }
        upload.bytes.extend_from_slice(chunk);
        upload.last_heard = now;
        Ok(upload.bytes.len())
    }

    /// Makes an upload a file if nothing is missing any more. Gives the ids of the files that had
    /// to go for it, too.
    pub(crate) fn finish(&mut self, id: u64, time: u64) -> Option<(&File, Vec<u64>)> {
        let upload = self.uploads.get(&id)?;
        if upload.bytes.len() < upload.size {
            return None;
        }
        let Upload { name, size, content_type, token, bytes, .. } = self.uploads.remove(&id)?;

        let mut removed = Vec::new();
        let mut kept: usize = self.files.iter().map(|file| file.size).sum();
        while let Some(oldest) = self.files.front()
            && (self.files.len() == FILES || kept + size > FILES_BYTES)
        {
            kept -= oldest.size;
            removed.push(oldest.id);
            self.files.pop_front();
        }
        let bytes = bytes.into();
        let file = File { id, name, size, content_type, time, downloads: 0, token, bytes };
        self.files.push_back(file);
        Some((&self.files[self.files.len() - 1], removed))
    }

    /// Hands an upload to who has its token. Gives how many bytes there are: all of them if it was
    /// finished, and only the answer lost.
    pub(crate) fn resume(
        &mut self,
        owner: SocketId,
        id: u64,
        token: &str,
        now: Instant,
    ) -> Result<usize, Refusal> {
        if let Some(file) = self.file(id).filter(|file| file.token == token) {
            return Ok(file.size);
        }
        let upload = self.uploads.get(&id).filter(|upload| upload.token == token);
        if upload.ok_or(Refusal::Unknown)?.owner != owner {
            self.check_share(owner)?;
        }
        let upload = self.uploads.get_mut(&id).ok_or(Refusal::Unknown)?;
        upload.owner = owner;
        upload.last_heard = now;
        Ok(upload.bytes.len())
    }

    pub(crate) fn cancel(&mut self, owner: SocketId, id: u64) -> Result<(), Refusal> {
        let upload = self.uploads.get(&id).filter(|upload| upload.owner == owner);
        upload.ok_or(Refusal::Unknown)?;
        self.uploads.remove(&id);
        Ok(())
    }

    /// Drops the uploads that were not heard of for a minute.
    pub(crate) fn drop_idle(&mut self, now: Instant) {
        self.uploads.retain(|_, upload| now - upload.last_heard < PATIENCE);
    }

    pub(crate) fn files(&self) -> &VecDeque<File> {
        &self.files
    }

    pub(crate) fn file(&mut self, id: u64) -> Option<&mut File> {
        self.files.iter_mut().find(|file| file.id == id)
    }

    fn check_share(&self, owner: SocketId) -> Result<(), Refusal> {
        match self.uploads.values().filter(|upload| upload.owner == owner).count() {
            ..UPLOADS_PER_CLIENT => Ok(()),
            _ => Err(Refusal::TooMany { max: UPLOADS_PER_CLIENT }),
        }
    }
}

/// Whether it can stand in a URL as it is, and on a screen.
fn is_name(name: &str) -> bool {
    let is_fine = |c: char| !c.is_control() && !['/', '\\'].contains(&c);
    !["", ".", ".."].contains(&name) && name.len() <= NAME_BYTES && name.chars().all(is_fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "adaadaadaadaadaadaad";
    const BO: &str = "bobobobobobobobobobo";

    /// The storage as clients of these names have it.
    struct Scene {
        storage: Storage,
        now: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self { storage: Storage::default(), now: Instant::now() }
        }

        fn start_as(&mut self, client: &str, name: &str, size: usize) -> Result<u64, Refusal> {
            let start = Start { name: name.into(), size, content_type: "text/plain".into() };
            let started = self.storage.start(owner(client), start, "secret".into(), self.now)?;
            Ok(started.id)
        }

        fn start(&mut self, size: usize) -> u64 {
            self.start_as(ADA, "a.txt", size).expect("an upload that is fine")
        }

        fn add(&mut self, id: u64, offset: usize, length: usize) -> Result<usize, Refusal> {
            self.storage.add(owner(ADA), id, offset, &vec![7; length], self.now)
        }

        /// Uploads a file. Gives its id, and the ids of those that had to go.
        fn put(&mut self, size: usize) -> (u64, Vec<u64>) {
            let id = self.start(size);
            let mut offset = 0;
            while offset < size {
                assert!(self.storage.finish(id, 0).is_none());
                offset = self.add(id, offset, CHUNK_BYTES.min(size - offset)).expect("it is due");
            }
            let (file, removed) = self.storage.finish(id, 0).expect("nothing is missing");
            assert_eq!(file.bytes, vec![7; size]);
            (file.id, removed)
        }
    }

    fn owner(client: &str) -> SocketId {
        SocketId::parse(client).expect("an id has 20 characters")
    }

    #[test]
    fn a_file_is_taken_only_with_a_fine_name_and_size() {
        let mut scene = Scene::new();
        let mut start = |name: &str, size| scene.start_as(ADA, name, size);
        let name = Err(Refusal::Name { max: 255 });
        for bad in ["", ".", "..", "a/b", "a\\b", "a\nb", "a\0", &"x".repeat(256)] {
            assert_eq!(start(bad, 1), name, "{bad:?}");
        }
        assert_eq!(start("a", 0), Err(Refusal::EmptyFile));
        assert_eq!(start("a", FILE_BYTES + 1), Err(Refusal::LargeFile { max: FILE_BYTES }));
        assert_eq!(start("a", usize::MAX), Err(Refusal::LargeFile { max: FILE_BYTES }));
        assert_eq!(start("Ünï 😀.txt", FILE_BYTES), Ok(1));
    }

    #[test]
    fn only_the_chunk_that_is_due_is_added() {
        let mut scene = Scene::new();
        let id = scene.start(CHUNK_BYTES + 10);
        let length = |expected, actual| Err(Refusal::ChunkLength { expected, actual });
        let offset = |expected, actual| Err(Refusal::Offset { expected, actual });
        assert_eq!(scene.add(id, 10, CHUNK_BYTES), offset(0, 10));
        assert_eq!(scene.add(id, 0, 10), length(CHUNK_BYTES, 10));
        assert_eq!(scene.add(id, 0, CHUNK_BYTES + 10), length(CHUNK_BYTES, CHUNK_BYTES + 10));
        assert_eq!(scene.add(id, 0, CHUNK_BYTES), Ok(CHUNK_BYTES));
        assert_eq!(scene.add(id, 0, CHUNK_BYTES), offset(CHUNK_BYTES, 0));
        assert_eq!(scene.add(id, CHUNK_BYTES, 11), length(10, 11));
        assert_eq!(scene.add(id, CHUNK_BYTES, 10), Ok(CHUNK_BYTES + 10));
        assert!(scene.storage.finish(id, 0).is_some());
        assert_eq!(scene.add(id, CHUNK_BYTES + 10, 0), Err(Refusal::Unknown));
    }

    #[test]
    fn an_upload_is_its_clients_alone() {
        let mut scene = Scene::new();
        let id = scene.start_as(BO, "b.txt", 10).expect("an upload that is fine");
        assert_eq!(scene.add(id, 0, 10), Err(Refusal::Unknown));
        assert_eq!(scene.storage.cancel(owner(ADA), id), Err(Refusal::Unknown));
        let wrong = scene.storage.resume(owner(ADA), id, "guess", scene.now);
        assert_eq!(wrong, Err(Refusal::Unknown));
        assert_eq!(scene.storage.resume(owner(ADA), id, "secret", scene.now), Ok(0));
        assert_eq!(scene.add(id, 0, 10), Ok(10));
        assert_eq!(scene.storage.cancel(owner(BO), id), Err(Refusal::Unknown));
    }

    #[test]
    fn an_upload_that_is_finished_can_still_be_asked_for() {
        let mut scene = Scene::new();
        let (id, _) = scene.put(10);
        assert_eq!(scene.storage.resume(owner(BO), id, "secret", scene.now), Ok(10));
        let wrong = scene.storage.resume(owner(BO), id, "guess", scene.now);
        assert_eq!(wrong, Err(Refusal::Unknown));
    }

    #[test]
    fn uploads_are_bounded_for_one_client_and_for_all() {
        let mut scene = Scene::new();
        let too_many = Err(Refusal::TooMany { max: 4 });
        for _ in 0..4 {
            scene.start(FILE_BYTES);
        }
        assert_eq!(scene.start_as(ADA, "a", 1), too_many);
        assert_eq!(scene.start_as(BO, "b", FILE_BYTES), Ok(5));
        assert_eq!(scene.start_as(BO, "b", 1), Err(Refusal::Busy));
        assert_eq!(scene.storage.resume(owner(ADA), 5, "secret", scene.now).err(), too_many.err());
        assert_eq!(scene.storage.cancel(owner(ADA), 1), Ok(()));
        assert_eq!(scene.storage.resume(owner(ADA), 5, "secret", scene.now), Ok(0));
        assert_eq!(scene.start_as(BO, "b", 1), Ok(6));
    }

    #[test]
    fn an_upload_without_a_word_is_dropped_after_a_minute() {
        let mut scene = Scene::new();
        let (silent, busy) = (scene.start(10), scene.start(CHUNK_BYTES + 10));
        scene.now += Duration::from_secs(59);
        scene.storage.drop_idle(scene.now);
        assert_eq!(scene.add(busy, 0, CHUNK_BYTES), Ok(CHUNK_BYTES));
        scene.now += Duration::from_secs(1);
        scene.storage.drop_idle(scene.now);
        assert_eq!(scene.add(silent, 0, 10), Err(Refusal::Unknown));
        assert_eq!(scene.add(busy, CHUNK_BYTES, 10), Ok(CHUNK_BYTES + 10));
    }

    #[test]
    fn the_oldest_files_go_when_there_are_too_many() {
        let mut scene = Scene::new();
        for id in 1..=50 {
            let (kept, removed) = scene.put(1);
            assert_eq!((kept, removed.len()), (id, 0));
        }
        assert_eq!(scene.put(1), (51, vec![1]));
        assert_eq!(scene.storage.files().len(), 50);
        assert!(scene.storage.file(1).is_none());
    }

    #[test]
    fn the_oldest_files_go_when_there_is_too_much() {
        let mut scene = Scene::new();
        for size in [1, FILE_BYTES, FILE_BYTES, FILE_BYTES, FILE_BYTES, FILE_BYTES - 1] {
            assert!(scene.put(size).1.is_empty());
        }
        assert_eq!(scene.put(2), (7, vec![1, 2]));
    }
}
