use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytestring::ByteString;
use socketio_core::{
    BroadcastOptions, ClusterMessage, ClusterNode, RequestId, ServerGone, SocketDescription,
};

use super::{
    encode,
    format::{Body, Room, Sockets},
};

/// What only older versions ask of a node.
#[derive(Debug, PartialEq)]
pub(super) enum Question {
    /// All rooms.
    Rooms,
    /// The ids of the sockets in some rooms.
    Sockets(BroadcastOptions),
    /// That something is done with one socket. Its node says so when it is.
    Socket { which: BroadcastOptions, order: Box<ClusterMessage> },
}

/// What is asked of this node's own server, so as to answer such questions.
#[derive(Debug, Default)]
pub(super) struct Asked {
    last: AtomicU64,
    answers: Mutex<HashMap<RequestId, Vec<SocketDescription>>>,
}

impl Asked {
    /// Does what is asked, and writes the answer. There is none where the socket is another node's.
    pub(super) fn answer(
        &self,
        node: &ClusterNode,
        namespace: &str,
        request: &RequestId,
        question: Question,
    ) -> Result<Option<String>, ServerGone> {
        let mut body = Body { request_id: Some(request.as_str().into()), ..Body::default() };
        match question {
            Question::Rooms => {
                let sockets = self.sockets(node, namespace, BroadcastOptions::default())?;
                let rooms: BTreeSet<_> = sockets.into_iter().flat_map(|it| it.rooms).collect();
                body.rooms = Some(Room::all(rooms.into_iter().map(ByteString::from)));
            }
            Question::Sockets(which) => {
                let sockets = self.sockets(node, namespace, which)?;
                body.sockets = Some(Sockets::Ids(sockets.into_iter().map(|it| it.id).collect()));
            }
            Question::Socket { which, order } => {
                if self.sockets(node, namespace, which)?.is_empty() {
                    return Ok(None);
                }
                node.receive(namespace, None, *order)?;
            }
        }
        Ok(Some(encode::text(&body)))
    }

    /// The sockets of this node.
    fn sockets(
        &self,
        node: &ClusterNode,
        namespace: &str,
        options: BroadcastOptions,
    ) -> Result<Vec<SocketDescription>, ServerGone> {
        let request = RequestId::new(format!("legacy {}", self.last.fetch_add(1, Relaxed)));
        self.lock().insert(request.clone(), Vec::new());
        let message = ClusterMessage::FetchSockets { options, request: request.clone() };
        // It answers before it returns, with a message to be sent.
        let received = node.receive(namespace, None, message);
        let sockets = self.lock().remove(&request).unwrap_or_default();
        received.map(|()| sockets)
    }

    /// Takes an answer of the server that was waited for here, and passes everything else on.
    pub(super) fn pass(&self, message: ClusterMessage) -> Option<ClusterMessage> {
        if let ClusterMessage::FetchSocketsResponse { request, sockets } = message {
            match self.lock().get_mut(&request) {
                Some(answer) => *answer = sockets,
                None => return Some(ClusterMessage::FetchSocketsResponse { request, sockets }),
            }
            return None;
        }
        Some(message)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, Vec<SocketDescription>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
