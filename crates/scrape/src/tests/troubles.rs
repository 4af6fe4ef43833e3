//! What can be learned about a scrape that went wrong.

use super::world::{Manner, World};
use crate::{Health, Reason};

fn page(series: usize) -> String {
    (0..series).map(|i| format!("metric_number_{i}{{label=\"value\"}} {i}\n")).collect()
}

async fn scraped(config: &str, manner: Manner) -> World {
    let world = World::new();
    world.targets.set("h:1", manner);
    world.apply(&format!("- {{job_name: j, scrape_interval: 10s, {config}}}"));
    world.discover(&[("j", &["h:1"])]);
    world.pass(10_000).await;
    world
}

#[tokio::test(start_paused = true)]
async fn large_pages_are_read_as_they_come() {
    let good = page(20_000);
    assert!(good.len() > 700_000);
    let world = scraped("", Manner::Page(good.clone())).await;
    world.pass(10_000).await;
    let target = world.target("h:1");
    let status = target.status();
    assert_eq!((status.health, status.counts.series, status.counts.added), (Health::Up, 20_000, 0));
    assert_eq!(status.counts.body_bytes, good.len() as u64);
    assert_eq!(world.samples("metric_number_19999", "h:1").len(), 2);
    assert!(target.diagnosis().is_none());
    // Broken near its end.
    world.targets.page("h:1", &format!("{good}here it breaks }}\nmore 1\n"));
    world.pass(10_000).await;
    let status = target.status();
    assert_eq!((status.health, status.counts.scraped), (Health::Down, 20_000));
    let diagnosis = target.diagnosis().unwrap();
    assert_eq!(diagnosis.reason, Reason::Syntax);
    assert!(diagnosis.error.contains("line 20001, column"), "{}", diagnosis.error);
    let body = diagnosis.body.as_ref().unwrap();
    assert_eq!(body.position.unwrap().line, 20_001);
    assert!(body.bytes.len() <= 64 << 10);
    let (text, start) = (body.text(), usize::try_from(body.start).unwrap());
    assert!(text.contains("here it breaks }") && good[start..].starts_with(&text[..100]));
    assert_eq!(world.samples("metric_number_0", "h:1").last().unwrap().1, None);
    // And whole again; the diagnosis stays to be looked at.
    world.targets.page("h:1", &good);
    world.pass(10_000).await;
    let status = target.status();
    assert_eq!((status.health, status.last_error), (Health::Up, None));
    assert!(target.diagnosis().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_told_with_its_numbers_and_the_series() {
    let check = |config: &'static str,
                 reason,
                 option,
                 allowed,
                 measured,
                 series: Option<&'static str>| async move {
        let page = Manner::Page("a 1\nlong_name{x=\"some value\"} 1\n".into());
        let world = scraped(config, page).await;
        let diagnosis = world.target("h:1").diagnosis().unwrap();
        let limit = diagnosis.limit.as_ref().unwrap();
        assert_eq!((diagnosis.reason, limit.option), (reason, option));
        assert_eq!((limit.allowed, limit.measured), (allowed, measured), "{config}");
        let told = limit.series.as_deref();
        assert!(series.is_none_or(|part| told.unwrap().contains(part)), "{told:?}");
        let error = world.target("h:1").status().last_error.unwrap();
        assert!(error.contains(&allowed.to_string()), "{error}");
    };
    let long = Some("__name__=\"long_name\"");
    check("sample_limit: 1", Reason::SampleLimit, "sample_limit", 1, 2, long).await;
    check("label_limit: 3", Reason::LabelLimit, "label_limit", 3, 4, long).await;
    let name = "label_name_length_limit";
    check("label_name_length_limit: 7", Reason::LabelLimit, name, 7, 8, None).await;
    let value = "label_value_length_limit";
    check("label_value_length_limit: 9", Reason::LabelLimit, value, 9, 10, long).await;
    let body = "body_size_limit";
    check("body_size_limit: 20B", Reason::BodySizeLimit, body, 20, 20, None).await;
}

#[tokio::test(start_paused = true)]
async fn a_soft_limit_is_no_failure_and_is_told() {
    let config = "sample_limit: 1, sample_limit_mode: soft";
    let world = scraped(config, Manner::Page("a 1\nb 1\n".into())).await;
    let target = world.target("h:1");
    let status = target.status();
    assert_eq!((status.health, status.counts.refused, status.counts.series), (Health::Up, 1, 1));
    assert!(status.last_error.unwrap().starts_with("sample limit exceeded, 1 samples of new"));
    let limit = target.diagnosis().unwrap().limit.clone().unwrap();
    assert!(limit.series.unwrap().contains("__name__=\"b\""));
    assert_eq!(world.samples("up", "h:1").last().unwrap().1, Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_page_is_shown() {
    let answer = "HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\ntry later";
    let world = scraped("", Manner::Raw(answer.into())).await;
    let diagnosis = world.target("h:1").diagnosis().unwrap();
    assert_eq!(diagnosis.reason, Reason::Status);
    assert_eq!(diagnosis.body.as_ref().unwrap().text(), "try later");
    let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>";
    let world = scraped("", Manner::Raw(html.into())).await;
    let diagnosis = world.target("h:1").diagnosis().unwrap();
    assert_eq!(diagnosis.reason, Reason::ContentType);
    assert_eq!(diagnosis.body.as_ref().unwrap().text(), "<html>");
    let world = scraped("scrape_timeout: 2s", Manner::HangInBody).await;
    world.pass(3_000).await;
    let diagnosis = world.target("h:1").diagnosis().unwrap();
    assert_eq!((diagnosis.reason, diagnosis.body.as_ref().unwrap().came), (Reason::Timeout, 4));
}

#[tokio::test(start_paused = true)]
async fn failed_scrapes_are_written_down() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("failures.log");
    let config = format!("scrape_failure_log_file: '{}'", path.display());
    let world = scraped(&config, Manner::Close).await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1);
    for part in ["\"job_name\":\"j\"", "\"target\":\"http://h:1/metrics\"", "EOF"] {
        assert!(text.contains(part), "{text}");
    }
    world.targets.page("h:1", "a 1\n");
    world.pass(20_000).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_comes_too_slowly_is_read_to_its_end_at_last() {
    // Twenty lines a second, each of some kilobytes: the timeout comes in the middle.
    let line = |i: usize| format!("slow{{i=\"{i}\",pad=\"{}\"}} 1\n", "x".repeat(20_000));
    let page: String = (0..60).map(line).collect();
    let world = scraped("scrape_timeout: 10s", Manner::Slowly(page.clone())).await;
    world.pass(10_000).await;
    let status = world.target("h:1").status();
    assert_eq!(status.last_error.as_deref(), Some("context deadline exceeded"));
    assert_eq!(world.samples("slow", "h:1").len(), 0);
    world.targets.page("h:1", &page);
    world.pass(10_000).await;
    assert_eq!(world.target("h:1").status().health, Health::Up);
    assert_eq!(world.target("h:1").status().counts.series, 60);
}
