//! The whole binary, from outside: started, scraped into, asked over HTTP, killed, started again.

mod alerting;
mod bad_input;
mod commands;
mod crash;
mod explaining;
mod harness;
mod histograms;
mod house;
mod kubernetes;
mod odd_files;
mod over_history;
mod reload;
mod rules;
mod scraping;
mod web_config;
