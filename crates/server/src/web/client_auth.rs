//! Certificates of clients: whether they are asked for, and what is asked of them.

use super::der::alternative_names;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore, SignatureScheme,
};
use std::sync::Arc;

/// `client_auth_type`, by the names of Go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    None,
    /// Asked for; any or none will do.
    Request,
    /// Any will do.
    RequireAny,
    /// None will do, or one of a known authority.
    VerifyIfGiven,
    /// One of a known authority.
    RequireAndVerify,
}

impl Policy {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "" | "NoClientCert" => Self::None,
            "RequestClientCert" => Self::Request,
            "RequireAnyClientCert" | "RequireClientCert" => Self::RequireAny,
            "VerifyClientCertIfGiven" => Self::VerifyIfGiven,
            "RequireAndVerifyClientCert" => Self::RequireAndVerify,
            _ => return None,
        })
    }

    /// Whether a client without a certificate is turned away.
    pub(super) fn is_mandatory(self) -> bool {
        matches!(self, Self::RequireAny | Self::RequireAndVerify)
    }

    fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }
}

/// What looks at clients; `names`, unless empty, are alternative names of which a certificate must
/// have one. Without authorities of its own those of the system hold, as in Go.
pub(super) fn verifier(
    policy: Policy,
    authorities: Option<Vec<CertificateDer<'static>>>,
    names: Vec<String>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    if policy == Policy::None {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let chain = match policy.verifies() {
        false => None,
        true => {
            let given = authorities.is_some();
            let certificates =
                authorities.unwrap_or_else(|| rustls_native_certs::load_native_certs().certs);
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                match roots.add(certificate) {
                    Err(error) if given => return Err(format!("client_ca: {error}")),
                    _ => {} // one of the system's that we cannot read
                }
            }
            let built =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            Some(built.build().map_err(|error| format!("client_ca: {error}"))?)
        }
    };
    let (mandatory, provider) = (policy.is_mandatory(), Arc::clone(provider));
    Ok(Arc::new(Verifier { chain, mandatory, names, provider }))
}

#[derive(Debug)]
struct Verifier {
    /// Who looks for a known authority, if anybody does.
    chain: Option<Arc<dyn ClientCertVerifier>>,
    mandatory: bool,
    names: Vec<String>,
    provider: Arc<CryptoProvider>,
}

/// No name of the certificate is allowed.
#[derive(Debug, thiserror::Error)]
#[error("no allowed alternative name in the client's certificate, found: {0:?}")]
struct NoAllowedName(Vec<String>);

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.as_ref().map_or(&[], |chain| chain.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(chain) = &self.chain {
            chain.verify_client_cert(end_entity, intermediates, now)?;
        }
        if !self.names.is_empty() {
            let found = alternative_names(end_entity);
            if !found.iter().any(|name| self.names.contains(name)) {
                return Err(Error::Other(OtherError(Arc::new(NoAllowedName(found)))));
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
