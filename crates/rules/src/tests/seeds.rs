//! The rules of real users, on data made up to fire them: the exact texts of their annotations.

use super::world::{MINUTE, World, shown};
use crate::ActiveGroup;
use crate::file::{Options, RuleFile};
use std::path::PathBuf;

fn folder() -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    std::env::var_os("DATA_DIR").map_or_else(|| default.into(), PathBuf::from).join("rules")
}

/// A series as a function of the minute.
type Course = (&'static str, fn(i64) -> f64);

/// Runs a file for a quarter of an hour; what fires then, and what was recorded.
#[track_caller]
fn check(name: &str, courses: &[Course], recorded: &[&str], fired: &[&str]) {
    let path = folder().join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {name}: no folder {}", folder().display());
        return;
    };
    let file = RuleFile::parse(&text, &Options::default()).unwrap();
    let world = World::new();
    let mut groups: Vec<_> =
        file.groups.iter().map(|group| ActiveGroup::new(name, group, &world.settings)).collect();
    for half in 0..=30 {
        let at_ms = 100 * MINUTE + half * MINUTE / 2;
        let samples: Vec<_> =
            courses.iter().map(|(series, course)| (*series, course(half))).collect();
        world.put(at_ms, &samples);
        for group in &mut groups {
            world.good(group, at_ms);
        }
    }
    world.check("{__name__=~\".+:.+\"}", 115 * MINUTE, recorded);
    let rules = groups.iter().flat_map(ActiveGroup::rules);
    let mut firing: Vec<_> = rules
        .flat_map(|rule| rule.alerts.to_vec())
        .map(|alert| {
            let texts = alert.annotations.iter().map(|(name, text)| format!("{name}={text}"));
            let texts = texts.collect::<Vec<_>>().join("; ");
            format!("{} {} {texts}", alert.state.as_str(), shown(&alert.labels))
        })
        .collect();
    firing.sort();
    assert_eq!(firing, fired, "{name}");
    println!("{name}: {} passed, 0 failed", fired.len());
}

#[test]
fn asr() {
    check(
        "seed-asr.yaml",
        &[
            ("asr_total_requests{namespace=\"n\",pod=\"a\"}", |half| 60.0 * half as f64),
            ("asr_failed_requests{namespace=\"n\",pod=\"a\"}", |half| 15.0 * half as f64),
            ("asr_active_requests{namespace=\"n\",pod=\"a\"}", |_| 61.0),
            ("asr_active_requests{namespace=\"n\",pod=\"b\"}", |_| 9.0),
            ("asr_gpu_utilization{namespace=\"n\",pod=\"a\"}", |_| 87.5),
            ("asr_batch_queue_depth{namespace=\"n\",pod=\"a\"}", |_| 21.0),
            (
                "asr_active_streams{namespace=\"n\",pod=\"a\"}",
                |half| if half > 25 { 150.0 } else { 0.0 },
            ),
            ("asr_stream_queue_depth{namespace=\"n\",pod=\"a\"}", |_| 30.5),
            ("asr_gpu_memory_used_bytes{namespace=\"n\",pod=\"a\"}", |_| 22_080_000_000.0),
        ],
        &[
            "asr:batch_queue:depth_avg{namespace=\"n\"} 21",
            "asr:gpu:utilization_avg{namespace=\"n\"} 87.5",
            "asr:requests:active_avg{namespace=\"n\"} 35",
            "asr:requests:rate5m{namespace=\"n\",pod=\"a\"} 2",
            "asr:stream_queue:depth_avg{namespace=\"n\"} 30.5",
            "asr:streams:active_avg{namespace=\"n\"} 150",
        ],
        &[
            "firing {alertname=\"GPUMemoryHigh\",namespace=\"n\",pod=\"a\",severity=\"warning\"} description=92%; summary=GPU memory",
            "firing {alertname=\"HighBatchQueueDepth\",namespace=\"n\",pod=\"a\",severity=\"warning\"} description=21 waiting; summary=batch queue deep",
            "firing {alertname=\"HighErrorRate\",namespace=\"n\",pod=\"a\",severity=\"warning\"} description=0.5 errors/s; summary=error rate",
            "firing {alertname=\"HighQueueLength\",namespace=\"n\",pod=\"a\",severity=\"warning\"} description=61; summary=queue backing up",
            "firing {alertname=\"HighStreamQueueDepth\",namespace=\"n\",pod=\"a\",severity=\"warning\"} description=30.5 waiting; summary=stream queue deep",
            "pending {alertname=\"HighActiveStreams\",namespace=\"n\",pod=\"a\",severity=\"warning\"} description=150 streams; summary=many streams",
        ],
    );
}

#[test]
fn voice_gateway() {
    check(
        "seed-voice-gateway.yaml",
        &[
            ("voice_gateway_e2e_latency_seconds_bucket{le=\"2.0\"}", |_| 0.0),
            ("voice_gateway_e2e_latency_seconds_bucket{le=\"5.0\"}", |half| 30.0 * half as f64),
            ("voice_gateway_e2e_latency_seconds_bucket{le=\"+Inf\"}", |half| 30.0 * half as f64),
            ("voice_gateway_requests_total{status=\"ok\"}", |half| 90.0 * half as f64),
            ("voice_gateway_requests_total{status=\"error\"}", |half| 10.0 * half as f64),
            ("DCGM_FI_DEV_FB_USED{gpu=\"0\"}", |_| 95.0),
            ("DCGM_FI_DEV_FB_FREE{gpu=\"0\"}", |_| 5.0),
            ("DCGM_FI_DEV_FB_USED{gpu=\"1\"}", |_| 10.0),
            ("DCGM_FI_DEV_FB_FREE{gpu=\"1\"}", |_| 90.0),
        ],
        &[],
        &[
            "firing {alertname=\"GPUMemoryHigh\",gpu=\"0\",severity=\"warning\"} description=GPU 0 at 95%; summary=GPU memory over 90%",
            "firing {alertname=\"VoiceGatewayHighErrorRate\",severity=\"critical\"} description=10%; summary=error rate over 5%",
            "firing {alertname=\"VoiceGatewayHighLatency\",severity=\"warning\"} description=4.85s over 3s; summary=p95 latency",
        ],
    );
}

#[test]
fn wva() {
    check(
        "seed-wva.yaml",
        &[
            ("inferno_desired_replicas{variant_name=\"v\"}", |_| 5.0),
            ("inferno_current_replicas{variant_name=\"v\"}", |_| 2.0),
            ("inferno_replica_scaling_total{variant_name=\"v\"}", |half| half as f64),
            ("inferno_desired_ratio{variant_name=\"v\"}", |_| 2.5),
            ("inferno_desired_ratio{variant_name=\"w\"}", |_| 1.5),
        ],
        &[],
        &[
            "firing {alertname=\"WVAExcessiveScaling\",severity=\"warning\",variant_name=\"v\"} description=over 10 in an hour; summary=many scalings for v",
            "firing {alertname=\"WVAHighScalingLag\",severity=\"warning\",variant_name=\"v\"} description=desired differs from current; summary=scaling lag for v",
            "firing {alertname=\"WVAUnderProvisioned\",severity=\"warning\",variant_name=\"v\"} description=ratio over 1.5; summary=v too small",
        ],
    );
}
