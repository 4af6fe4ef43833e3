//! What to do about a scrape that fails.

use super::scraping::{Fields, name};
use scrape::{Diagnosis, Explained, Reason};

/// Words of an error, and what to do when they are in it; the first that fit count. `{url}`, `{host}`,
/// `{at}`, `{path}` and `{scheme}` are filled in.
const FETCH: [(&[&str], &str); 13] = [
    (
        &["connection refused"],
        "nothing listens at {host}: let the process listen on that port of all addresses (0.0.0.0, not \
         127.0.0.1), or correct the port",
    ),
    (
        &["no route to host", "network is unreachable", "connection timed out"],
        "no way leads to {host}: look for a NetworkPolicy that keeps us out, or for a node that is gone",
    ),
    (&["no such host", "lookup "], "the name of {host} is not known: correct the address"),
    (&["does not look like a TLS handshake"], "the target speaks plain HTTP: write {scheme}: http"),
    (
        &["unknown authority"],
        "name who signs its certificate in {at}.tlsConfig.ca, or set {at}.tlsConfig.insecureSkipVerify: \
         true",
    ),
    (
        &["certificate is valid for", "any IP SANs", "not valid for", "use SANs"],
        "write the name in its certificate as {at}.tlsConfig.serverName",
    ),
    (&["has expired or is not yet valid"], "renew the certificate of {host}"),
    (
        &["certificate required", "bad certificate", "unknown certificate authority"],
        "it asks for a certificate of ours: give one by {at}.tlsConfig.cert and {at}.tlsConfig.keySecret",
    ),
    (&["malformed HTTP response"], "if the target speaks TLS, write {scheme}: https"),
    (&["unable to read"], "look at the Secret or the file behind it"),
    (&["oauth2: ", "Post \""], "look at {at}.oauth2: its tokenUrl and its secret"),
    (&["connections for scraping are in use"], "scrape fewer targets, or allow more connections"),
    (
        &["EOF", "connection reset", "broken pipe"],
        "the target closes the connection: look at its log; if it speaks TLS, write {scheme}: https",
    ),
];

/// Beginnings of a status, and what to do about it.
const STATUS: [(&str, &str); 6] = [
    ("401", "give credentials in {at}: authorization, basicAuth or oauth2"),
    ("403", "let the credentials of {at} read the page, or give others"),
    ("404", "there is no page at {url}: write where it is as {path}"),
    ("400", "look at what it answers at {url}; if it speaks TLS, write {scheme}: https"),
    ("405", "{url} is no page of metrics: correct {path}"),
    (
        "3",
        "redirects are not followed: write the page's own address, or {at}.followRedirects: true",
    ),
];

/// What to write where.
pub(super) fn of(diagnosis: &Diagnosis, target: &Explained, fields: &Fields<'_>) -> String {
    let error = &*diagnosis.error;
    let remedy = match diagnosis.reason {
        Reason::TargetLimit
        | Reason::BodySizeLimit
        | Reason::SampleLimit
        | Reason::BucketLimit
        | Reason::LabelLimit => "raise the limit, see \"limits\"",
        Reason::Timeout => {
            "the target takes too long: raise {at}.scrapeTimeout (at most the interval), or make the page \
             smaller; if it never answers, look for a NetworkPolicy that keeps us out"
        }
        Reason::Fetch => {
            let fits = |words: &[&str]| words.iter().any(|word| error.contains(word));
            let known = FETCH.iter().find(|(words, _)| fits(words));
            known.map_or("ask {url} by hand from a Pod of ours", |(_, remedy)| *remedy)
        }
        Reason::Status => {
            let status = error.split_once("HTTP status ").map_or("", |(_, status)| status);
            let known = STATUS.iter().find(|(begin, _)| status.starts_with(begin));
            known.map_or("look at the target's own log", |(_, remedy)| *remedy)
        }
        Reason::ContentType => {
            "{url} is no page of metrics: correct {path}; if it is one, write \
             spec.fallbackScrapeProtocol: PrometheusText0.0.4"
        }
        Reason::Syntax => {
            "the page is broken or is none: mend the exporter, or correct {path}; \
             `rushlight explain target {url}` shows the place"
        }
        Reason::Series => "mend the exporter: `rushlight explain target {url}` shows the series",
        Reason::Storage => "look at our own log: the samples could not be stored",
        Reason::Panic => "this is a bug of ours: please report it with our log",
    };
    let url = name(target);
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or(host);
    remedy
        .replace("{url}", url)
        .replace("{host}", host)
        .replace("{at}", &fields.at)
        .replace("{path}", &fields.path)
        .replace("{scheme}", &fields.scheme)
}
