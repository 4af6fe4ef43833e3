//! Labels of targets, from objects of a cluster to what a scrape has.
