use std::{future::IntoFuture, marker::PhantomData, pin::Pin, time::Duration};

use super::Request;
use crate::{
    error::EmitError,
    proto::cluster::{Answer, ClusterMessage, MissingNodes, Question},
    server::namespace::Namespace,
    wire::{Args, ArgsError, EncodeError, FromArgs, RawArgs},
};

/// Names that Node has for events of its own: there they would come among those.
const RESERVED: [&str; 3] = ["connect", "connection", "new_namespace"];

/// Events for the other nodes.
impl Namespace {
    /// Sends an event to the other nodes, where [`on_server_event`](Self::on_server_event) handles
    /// it. Node: `serverSideEmit`.
    ///
    /// ```
    /// # use socketio_core::SocketIo;
    /// # let io = SocketIo::new();
    /// io.server_side_emit("reload", &("prices", 7))?;
    /// # Ok::<(), socketio_core::EmitError>(())
    /// ```
    ///
    /// # Errors
    /// The event cannot be written, or its name is reserved. That there are no other nodes is no
    /// error.
    pub fn server_side_emit<T: Args + ?Sized>(
        &self,
        event: &str,
        args: &T,
    ) -> Result<(), EmitError> {
        let (name, args) = server_event(event, args)?;
        if let Some(cluster) = self.cluster() {
            let message = ClusterMessage::ServerSideEmit { name: name.into(), args, request: None };
            cluster.send(self, message);
        }
        Ok(())
    }

    /// Sends an event to the other nodes, each of which is to answer. Node: `serverSideEmitWithAck`.
    ///
    /// A node answers with one argument: what is more belongs in a list or a struct. One that has
    /// no handler for the event does not answer.
    ///
    /// ```no_run
    /// # use socketio_core::SocketIo;
    /// # async fn count(io: SocketIo) -> Result<(), Box<dyn std::error::Error>> {
    /// let counts = match io.server_side_emit_with_ack::<usize>("count", &())?.await {
    ///     Ok(counts) => counts,
    ///     Err(missing) => missing.answers,
    /// };
    /// println!("{} clients", io.sockets_count() + counts.iter().sum::<usize>());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`server_side_emit`](Self::server_side_emit).
    pub fn server_side_emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Args + ?Sized),
    ) -> Result<ServerReplies<T>, EmitError> {
        let (name, args) = server_event(event, args)?;
        let request = self.cluster().map(|cluster| {
            let timeout = cluster.request_timeout();
            cluster.ask(self, Question::Answer, timeout, |request| {
                let request = Some(request);
                ClusterMessage::ServerSideEmit { name: name.into(), args, request }
            })
        });
        Ok(ServerReplies { request, _value: PhantomData })
    }
}

fn server_event<'a, T: Args + ?Sized>(
    name: &'a str,
    args: &T,
) -> Result<(&'a str, RawArgs), EncodeError> {
    match RESERVED.contains(&name) {
        true => Err(EncodeError::ReservedEvent { name: name.into() }),
        false => Ok((name, RawArgs::new(args)?)),
    }
}

/// The answers of the other nodes: a future of all.
#[derive(Debug)]
#[must_use = "the answers are lost if nobody waits for them"]
pub struct ServerReplies<T> {
    request: Option<Request>,
    _value: PhantomData<fn() -> T>,
}

/// Answers of other nodes of which some are missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{nodes}, and {} answered something unexpected", unfit.len())]
pub struct MissingAnswers<T> {
    /// The answers that came, in the order of their coming.
    pub answers: Vec<T>,
    /// Of answers that are no `T`, why.
    pub unfit: Vec<ArgsError>,
    /// Who did not answer.
    pub nodes: MissingNodes,
}

impl<T> ServerReplies<T> {
    /// Sets how long the answers are waited for, in place of the option `request_timeout`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        if let Some(request) = &mut self.request {
            request.set_timeout(timeout);
        }
        self
    }
}

impl<T: FromArgs + Send + 'static> IntoFuture for ServerReplies<T> {
    type Output = Result<Vec<T>, MissingAnswers<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (mut answers, mut unfit) = (Vec::new(), Vec::new());
            let Some(mut request) = self.request else {
                return Ok(answers);
            };
            while let Some(answer) = request.next().await {
                match answer {
                    Answer::Args(args) => match T::from_args(&args) {
                        Ok(answer) => answers.push(answer),
                        Err(error) => unfit.push(error),
                    },
                    Answer::Ack { .. } | Answer::Sockets(_) => {}
                }
            }
            let (nodes, _) = request.missing();
            match nodes.is_empty() && unfit.is_empty() {
                true => Ok(answers),
                false => Err(MissingAnswers { answers, unfit, nodes }),
            }
        })
    }
}
