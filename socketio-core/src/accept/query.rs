use crate::proto::engine::Transport;

/// What the query of a request says to Engine.IO.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// `EIO=4`. Everything else, absence included, counts as protocol revision 3.
    pub(super) is_v4: bool,
    pub(super) sid: Option<String>,
    pub(super) transport: Option<Transport>,
}

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "EIO" => parsed.is_v4 = value == "4",
                "sid" => parsed.sid = Some(value.into_owned()),
                "transport" => {
                    parsed.transport = match &*value {
                        "polling" => Some(Transport::Polling),
                        "websocket" => Some(Transport::WebSocket),
                        _ => None,
                    };
                }
                _ => {}
            }
        }
        parsed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_send() {
        let query = Query::parse("EIO=4&transport=polling&t=abc&sid=a%2Db");
        let sid = Some("a-b".to_owned());
        assert_eq!(query, Query { is_v4: true, sid, transport: Some(Transport::Polling) });
        assert_eq!(Query::parse("EIO=3&transport=webtransport"), Query::default());
        assert_eq!(Query::parse("%zz&&=&é"), Query::default());
    }
}
