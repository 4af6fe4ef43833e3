//! From records to targets.

use crate::{ADDRESS, Group};
use hickory_resolver::proto::rr::{Name, RData};
use model::Labels;
use std::net::IpAddr;

/// The group of a name. Servers take turns in which record they put first, so the targets are
/// sorted.
pub(super) fn group(name: &str, port: u16, records: &[RData]) -> Group {
    let mut targets: Vec<_> =
        records.iter().filter_map(|record| target(name, port, record)).collect();
    targets.sort_unstable_by(|a, b| a.get(ADDRESS).cmp(&b.get(ADDRESS)));
    Group { source: name.to_owned(), labels: Labels::empty(), targets }
}

fn target(name: &str, port: u16, record: &RData) -> Option<Labels> {
    let no_labels: [(&str, String); 2] = Default::default();
    let ([a, b], address) = match record {
        RData::SRV(srv) => {
            let target = ("__meta_dns_srv_record_target", srv.target.to_ascii());
            let port = ("__meta_dns_srv_record_port", srv.port.to_string());
            ([target, port], host_port(&srv.target, srv.port))
        }
        RData::A(a) => (no_labels, ip_port(a.0.into(), port)),
        RData::AAAA(aaaa) => (no_labels, ip_port(aaaa.0.into(), port)),
        RData::MX(mx) => {
            let target = ("__meta_dns_mx_record_target", mx.exchange.to_ascii());
            ([target, no_labels[0].clone()], host_port(&mx.exchange, port))
        }
        RData::NS(ns) => {
            let target = ("__meta_dns_ns_record_target", ns.0.to_ascii());
            ([target, no_labels[0].clone()], host_port(&ns.0, port))
        }
        _ => return None,
    };
    let pairs = [(ADDRESS, address), ("__meta_dns_name", name.to_owned()), a, b];
    Some(Labels::from_pairs(pairs.into_iter().filter(|(label, _)| !label.is_empty())))
}

/// Without the dot at the end, as people write hosts.
fn host_port(host: &Name, port: u16) -> String {
    format!("{}:{port}", host.to_ascii().trim_end_matches('.'))
}

fn ip_port(ip: IpAddr, port: u16) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => format!("{ip}:{port}"),
        IpAddr::V6(ip) => format!("[{ip}]:{port}"),
    }
}
