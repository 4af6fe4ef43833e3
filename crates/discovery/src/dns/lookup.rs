//! Looking up a name: which names to try, and which server's answer counts.

use super::DnsKind;
use hickory_resolver::config::NameServerConfig;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequestOptions, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig, system_conf};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The longest time a server has for an answer, whatever the file says.
const MAX_TIMEOUT: Duration = Duration::from_secs(10);

/// The servers of a `resolv.conf`, to be asked in turn.
pub(super) struct Servers {
    /// The file's text.
    pub(super) text: Vec<u8>,
    ndots: usize,
    search: Vec<Name>,
    /// Each on its own: the next one is asked only if this one has no answer.
    servers: Vec<(IpAddr, NameServerPool<TokioRuntimeProvider>)>,
    options: DnsRequestOptions,
}

impl Servers {
    pub(super) fn new(text: Vec<u8>, port: u16) -> Result<Self, NetError> {
        let (config, mut options) = system_conf::parse_resolv_conf(&text)?;
        options.timeout = options.timeout.clamp(Duration::from_secs(1), MAX_TIMEOUT);
        let context = Arc::new(PoolContext::new(options, TlsConfig::new()?));
        let server = |config: &NameServerConfig| {
            let mut config = config.clone();
            for connection in &mut config.connections {
                connection.port = port;
            }
            let ip = config.ip;
            let provider = TokioRuntimeProvider::default();
            (ip, NameServerPool::from_config([config], Arc::clone(&context), provider))
        };
        let servers = config.name_servers().iter().map(server).collect();
        let mut request = DnsRequestOptions::default();
        request.use_edns = true;
        Ok(Self {
            text,
            ndots: context.options.ndots,
            search: config.search().to_vec(),
            servers,
            options: request,
        })
    }

    /// The records of a name. The first of its full forms that exists counts, with or without
    /// records of the kind. There are none when every full form is known not to exist.
    pub(super) async fn lookup(&self, name: &str, kind: DnsKind) -> Result<Vec<RData>, String> {
        let record_type = match kind {
            DnsKind::Srv => RecordType::SRV,
            DnsKind::A => RecordType::A,
            DnsKind::Aaaa => RecordType::AAAA,
            DnsKind::Mx => RecordType::MX,
            DnsKind::Ns => RecordType::NS,
        };
        let mut failure = None;
        for full in self.full_forms(name).map_err(|error| format!("name {name:?}: {error}"))? {
            match self.ask(&full, record_type).await {
                Ok(Some(records)) => return Ok(records),
                Ok(None) => {}
                Err(error) => {
                    failure.get_or_insert(format!("could not resolve {name:?} as {full}: {error}"));
                }
            }
        }
        failure.map_or(Ok(Vec::new()), Err)
    }

    /// The names that a name may stand for, in the order in which they are tried.
    fn full_forms(&self, name: &str) -> Result<Vec<Name>, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let mut name = Name::from_str_relaxed(name).map_err(|error| text(&error))?;
        if name.is_fqdn() {
            return Ok(vec![name]);
        }
        let as_it_is = |mut name: Name| {
            name.set_fqdn(true);
            name
        };
        name.set_fqdn(false);
        let mut names = Vec::new();
        let dots_suffice = usize::from(name.num_labels()) > self.ndots;
        if dots_suffice {
            names.push(as_it_is(name.clone()));
        }
        for domain in &self.search {
            // What is too long with its domain does not exist.
            if let Ok(full) = name.clone().append_domain(domain) {
                names.push(as_it_is(full));
            }
        }
        if !dots_suffice {
            names.push(as_it_is(name));
        }
        Ok(names)
    }

    /// What the first server with an answer says: records, maybe none, or that there is no such
    /// name.
    async fn ask(&self, name: &Name, kind: RecordType) -> Result<Option<Vec<RData>>, String> {
        let mut failure = None;
        for (ip, server) in &self.servers {
            let query = Query::query(name.clone(), kind);
            match server.lookup(query, self.options).first_answer().await {
                Ok(response) if response.response_code == ResponseCode::NXDomain => {
                    return Ok(None);
                }
                Ok(response) if response.response_code == ResponseCode::NoError => {
                    let answers = response.answers.iter();
                    // Aliases on the way to them come along.
                    let records = answers.filter(|record| record.record_type() == kind);
                    return Ok(Some(records.map(|record| record.data.clone()).collect()));
                }
                Ok(response) => {
                    failure.get_or_insert(format!("{ip}: {}", response.response_code));
                }
                Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                    match none.response_code {
                        ResponseCode::NXDomain => return Ok(None),
                        ResponseCode::NoError => return Ok(Some(Vec::new())),
                        code => failure.get_or_insert(format!("{ip}: {code}")),
                    };
                }
                Err(error) => {
                    failure.get_or_insert(format!("{ip}: {error}"));
                }
            }
        }
        Err(failure.unwrap_or_else(|| "no servers".to_owned()))
    }
}
