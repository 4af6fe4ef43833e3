//! The binary in front of a cluster: what teams run, applied as they apply it, scraped for real.

mod cluster;
mod deploying;
mod scenarios;
mod trouble;
mod values;

use cluster::Cluster;
