//! The certificate that the server shows, and the key to it.

use std::{env, fs, path::Path};

use anyhow::{Context, bail};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// What clients of a certificate made here can call this machine.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate, with those that vouch for it behind it, and its key.
#[derive(Debug)]
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// From the files that `CERT` and `KEY` name, or else made for this run.
    ///
    /// # Errors
    /// One of the two is missing, or there is no certificate or key in it.
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        match (env::var_os("CERT"), env::var_os("KEY")) {
            (None, None) => Self::self_signed(),
            (Some(cert), Some(key)) => Self::from_files(cert.as_ref(), key.as_ref()),
            _ => bail!("CERT and KEY go together"),
        }
    }

    fn from_files(cert: &Path, key: &Path) -> anyhow::Result<Self> {
        let read = |path: &Path| fs::read(path).with_context(|| path.display().to_string());
        Self::from_pem(&read(cert)?, &read(key)?)
    }

    fn self_signed() -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed(NAMES.map(String::from))?;
        Self::from_pem(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes())
    }

    fn from_pem(chain: &[u8], key: &[u8]) -> anyhow::Result<Self> {
        let chain = CertificateDer::pem_slice_iter(chain);
        let chain: Vec<_> = chain.collect::<Result<_, _>>().context("the certificate")?;
        let key = PrivateKeyDer::from_pem_slice(key).context("the key")?;
        Ok(Self { chain, key })
    }

    /// TLS for a server of HTTP/1.1, which is what WebSocket is upgraded from.
    ///
    /// # Errors
    /// There is no certificate, or the key is that of another one.
    pub(crate) fn into_config(self) -> anyhow::Result<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)
            .context("the certificate and its key")?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    fn check(cert: &str, key: &str) -> Result<(), String> {
        let identity = Identity::from_pem(cert.as_bytes(), key.as_bytes());
        identity.and_then(Identity::into_config).map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn a_certificate_is_taken_with_its_own_key_only() {
        let (cert, key) = pem();
        let (_, other) = pem();
        assert_eq!(check(&cert, &key), Ok(()));
        assert_eq!(check(&cert, &other), Err("the certificate and its key".into()));
        assert_eq!(check(&cert, ""), Err("the key".into()));
        assert_eq!(check("", &key), Err("the certificate and its key".into()));
        assert_eq!(check(&key, &cert), Err("the key".into()));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = Identity::from_files("no/cert.pem".as_ref(), "no/key.pem".as_ref());
        assert_eq!(error.expect_err("there is none").to_string(), "no/cert.pem");
    }

    #[test]
    fn only_http_1_is_offered() {
        let identity = Identity::self_signed().expect("a certificate");
        let config = identity.into_config().expect("its own key");
        assert_eq!(config.alpn_protocols, [b"http/1.1"]);
    }
}
