//! What a proxy changes in the headers of a request.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, HOST, UPGRADE},
};

/// What is between two neighbours and of no meaning to the next (RFC 9110, section 7.6.1), beside
/// what `Connection` names.
const OF_ONE_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Whether a message asks for a websocket, or agrees to it. What else can be upgraded to, such as
/// `h2c`, would have requests pass that nobody looked at.
pub(crate) fn is_websocket(headers: &HeaderMap) -> bool {
    let is = |name: HeaderName, wanted: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|text| text.split(',')).any(|word| word.trim().eq_ignore_ascii_case(wanted))
    };
    is(CONNECTION, "upgrade") && is(UPGRADE, "websocket")
}

/// Takes off what ends here. A websocket is agreed upon between client and node, so it goes on.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let is_websocket = is_websocket(headers);
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    named.iter().for_each(|name| drop(headers.remove(name)));
    OF_ONE_HOP.iter().for_each(|name| drop(headers.remove(*name)));
    if is_websocket {
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Says whom a request is from, behind whom others in front of this have named, and what it asked.
pub(crate) fn forward(headers: &mut HeaderMap, client: IpAddr) {
    const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
    const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

    let before = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let mut all: Vec<String> = before.map(str::to_owned).collect();
    all.push(client.to_string());
    let all = HeaderValue::try_from(all.join(", ")).expect("header values and an address");
    headers.insert(FORWARDED_FOR, all);
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    if let Some(host) = headers.get(HOST).cloned() {
        headers.insert(FORWARDED_HOST, host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn what_belongs_to_one_hop_ends_here() {
        let mut request = headers(&[
            ("connection", "upgrade, x-mine"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("upgrade", "h2c"),
            ("accept", "*/*"),
        ]);
        strip(&mut request);
        assert_eq!(request, headers(&[("accept", "*/*")]));
    }

    #[test]
    fn a_websocket_goes_on() {
        let mut request = headers(&[
            ("connection", "Keep-Alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "a"),
        ]);
        strip(&mut request);
        let expected =
            [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "a")];
        assert_eq!(request, headers(&expected));
    }

    #[test]
    fn the_client_is_behind_whom_others_have_named() {
        let mut request = headers(&[("host", "example.com"), ("x-forwarded-for", "1.2.3.4")]);
        forward(&mut request, IpAddr::from([127, 0, 0, 1]));
        assert_eq!(request["x-forwarded-for"], "1.2.3.4, 127.0.0.1");
        assert_eq!(request["x-forwarded-proto"], "http");
        assert_eq!(request["x-forwarded-host"], "example.com");
        assert_eq!(request["host"], "example.com");
    }
}
