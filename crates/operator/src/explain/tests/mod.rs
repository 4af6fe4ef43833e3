//! Each failure that explaining knows: objects as people write them, and what they are told.

mod gate;
mod live;
mod pod_monitor;
mod probe;
mod rule;
mod scrape_config;
mod scraping;
mod service_monitor;
mod world;
