//! A load balancer that is small enough to be read: what any of them has to do for Socket.IO.
//!
//! 1. **A session stays with its node.** A client that polls makes a request after the other, and
//!    only the node that opened its session knows it. All but the first have the session's id in
//!    their query; whose it is the balancer reads in the answer to the first, and remembers:
//!    [`sessions`]. That goes for the upgrade of such a session to a websocket as well.
//! 2. **A websocket needs nothing of the kind.** One that begins as such has no id in its query, and
//!    goes to the node with the least to do, in turn; it is one connection, so it stays by itself.
//! 3. **Connections are handed through**, in both directions, once both sides have agreed on a
//!    websocket; and nothing that belongs to one hop is sent on to the next: [`headers`].
//! 4. **It waits long enough.** A poll is answered when there is something to say, after 25 s at the
//!    latest with the usual `ping_interval`; and a websocket says nothing for as long.
//! 5. **It passes on who hangs up.** A client that is gone is no longer waited for at the node.
//! 6. **A node that is down gets nothing**, also no session that it had: any other answers that it
//!    does not know it, and the client begins a new one there: [`mod@nodes`].
//!
//! What balancers do besides, such as TLS, limits on connections and time-outs for slow requests, is
//! not done here. `nginx.conf`, `haproxy.cfg` and `traefik.yml` next to this are for real ones.
//!
//! ```sh
//! NODES=127.0.0.1:3001,127.0.0.1:3002 PORT=3000 cargo run -p balancer
//! ```

mod headers;
mod nodes;
mod proxy;
mod sessions;

use std::{env, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use examples_common::{self as common, hyper::serve};
use tokio::time;
use tower::service_fn;

use self::{nodes::Nodes, proxy::Proxy};

/// How long requests that are under way may take once it is to stop. A poll would take longer.
const FAREWELL: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let proxy = Arc::new(Proxy::new(nodes()?));
    let listener = common::listener()?;
    println!("The load balancer is at http://{}", listener.local_addr()?);

    let served = Arc::clone(&proxy);
    let service = service_fn(move |request| {
        let proxy = Arc::clone(&served);
        async move { proxy.handle(request).await }
    });
    tokio::select! {
        () = serve(listener, service, common::stopped()) => {}
        () = async { common::stopped().await; time::sleep(FAREWELL).await } => {}
        () = proxy.check_nodes() => {}
    }
    Ok(())
}

/// The addresses in the variable `NODES`.
fn nodes() -> anyhow::Result<Nodes> {
    let text = env::var("NODES").context("NODES is to be addresses, such as 127.0.0.1:3001")?;
    let address = |text: &str| -> anyhow::Result<SocketAddr> {
        text.trim().parse().with_context(|| format!("in NODES is {text:?}"))
    };
    Ok(Nodes::new(text.split(',').map(address).collect::<anyhow::Result<Vec<_>>>()?))
}
