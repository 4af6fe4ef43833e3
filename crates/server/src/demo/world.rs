//! What the demo measures: two pods of a speech-to-text service and two GPUs, a second at a time.

use model::metrics::{Collect, Counter, Gauge, Histogram, Kind, Visitor};
use std::sync::{Mutex, PoisonError};

const SECONDS: &[f64] = &[0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0];
const GPU_MEMORY_MIB: f64 = 24_576.0;

struct Pod {
    name: &'static str,
    active: Gauge,
    batch_queue: Gauge,
    streams: Gauge,
    stream_queue: Gauge,
    total: Counter,
    failed: Counter,
    seconds: Histogram,
    load_seconds: f64,
}

struct Gpu {
    index: &'static str,
    uuid: &'static str,
    utilization: Gauge,
    copy: Gauge,
    used_mib: Gauge,
    watts: Gauge,
    celsius: Gauge,
}

/// Numbers without a pattern that a person sees (xorshift).
struct Dice(u64);

impl Dice {
    /// From 0 to below 1.
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The service, as its exporter shows it.
pub(super) struct World {
    pods: [Pod; 2],
    gpus: [Gpu; 2],
    dice: Mutex<Dice>,
}

impl World {
    pub(super) fn new() -> Self {
        let pod = |name, load_seconds| Pod {
            name,
            active: Gauge::default(),
            batch_queue: Gauge::default(),
            streams: Gauge::default(),
            stream_queue: Gauge::default(),
            total: Counter::default(),
            failed: Counter::default(),
            seconds: Histogram::new(SECONDS),
            load_seconds,
        };
        let gpu = |index, uuid| Gpu {
            index,
            uuid,
            utilization: Gauge::default(),
            copy: Gauge::default(),
            used_mib: Gauge::default(),
            watts: Gauge::default(),
            celsius: Gauge::default(),
        };
        Self {
            pods: [pod("lightning-asr-0", 41.3), pod("lightning-asr-1", 39.8)],
            gpus: [gpu("0", "GPU-6fd2a5e0"), gpu("1", "GPU-91c07b3d")],
            dice: Mutex::new(Dice(0x9e37_79b9_7f4a_7c15)),
        }
    }

    /// Lets a second pass; `second` counts from any start.
    pub(super) fn step(&self, second: f64) {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        for (i, (pod, gpu)) in self.pods.iter().zip(&self.gpus).enumerate() {
            // A wave of two minutes with a smaller one on top, shifted from pod to pod.
            let wave = (second / 19.0 + i as f64).sin() + 0.3 * (second / 5.0).sin();
            let load = (0.5 + 0.35 * wave + 0.15 * dice.roll()).clamp(0.05, 1.0);
            pod.step(load, &mut dice);
            gpu.step(load, &mut dice);
        }
    }
}

impl Pod {
    fn step(&self, load: f64, dice: &mut Dice) {
        let requests = load * 40.0 + dice.roll() * 6.0;
        self.active.set((load * 24.0).round());
        self.batch_queue.set((load * load * 30.0 * dice.roll()).round());
        self.streams.set((load * 12.0 + dice.roll() * 2.0).round());
        self.stream_queue.set(((load - 0.7).max(0.0) * 20.0).round());
        let mut done = 0.0;
        while done < requests {
            done += 1.0;
            self.total.inc();
            if dice.roll() < 0.004 {
                self.failed.inc();
            }
            // Long tails come from the logarithm of a small number.
            let tail = -dice.roll().max(1e-9).ln();
            self.seconds.observe(0.06 + 0.12 * load + tail * (0.05 + 0.3 * load * load));
        }
    }
}

impl Gpu {
    fn step(&self, load: f64, dice: &mut Dice) {
        let percent = (load * 92.0 + dice.roll() * 8.0).round();
        self.utilization.set(percent);
        self.copy.set((percent * 0.4 + dice.roll() * 5.0).round());
        self.used_mib.set((8_300.0 + load * 9_000.0).round());
        self.watts.set(((60.0 + load * 210.0 + dice.roll() * 5.0) * 1000.0).round() / 1000.0);
        self.celsius.set((38.0 + load * 37.0).round());
    }
}

impl Collect for World {
    fn collect(&self, visitor: &mut dyn Visitor) {
        self.collect_pods(visitor);
        self.collect_gpus(visitor);
    }
}

impl World {
    fn collect_pods(&self, visitor: &mut dyn Visitor) {
        let mut each = |name: &str, kind: Kind, help: &str, value: fn(&Pod) -> f64| {
            visitor.family(name, kind, help);
            for pod in &self.pods {
                visitor.sample("", &[("pod", pod.name)], value(pod));
            }
        };
        let gauge = Kind::Gauge;
        each("asr_active_requests", gauge, "Requests being transcribed.", |p| p.active.get());
        each("asr_batch_queue_depth", gauge, "Requests waiting for a batch.", |p| {
            p.batch_queue.get()
        });
        each("asr_active_streams", gauge, "Open audio streams.", |p| p.streams.get());
        each("asr_stream_queue_depth", gauge, "Streams waiting for a slot.", |p| {
            p.stream_queue.get()
        });
        each("asr_model_load_time_seconds", gauge, "Time the model took to load.", |p| {
            p.load_seconds
        });
        each("asr_total_requests", Kind::Counter, "Requests so far.", |p| p.total.get() as f64);
        each("asr_failed_requests", Kind::Counter, "Requests that failed.", |p| {
            p.failed.get() as f64
        });
        let help = "Time from request to transcript.";
        visitor.family("asr_request_duration_seconds", Kind::Histogram, help);
        for pod in &self.pods {
            visitor.histogram(&[("pod", pod.name)], &pod.seconds);
        }
        visitor.family("asr_gpu_utilization", gauge, "Share of time the GPU is busy, in percent.");
        for (pod, gpu) in self.pods.iter().zip(&self.gpus) {
            visitor.sample("", &[("pod", pod.name)], gpu.utilization.get());
        }
        visitor.family("asr_gpu_memory_used_bytes", gauge, "GPU memory in use.");
        for (pod, gpu) in self.pods.iter().zip(&self.gpus) {
            visitor.sample("", &[("pod", pod.name)], gpu.used_mib.get() * 1_048_576.0);
        }
    }

    fn collect_gpus(&self, visitor: &mut dyn Visitor) {
        let mut each = |name: &str, help: &str, value: fn(&Gpu) -> f64| {
            visitor.family(name, Kind::Gauge, help);
            for gpu in &self.gpus {
                let device = format!("nvidia{}", gpu.index);
                let labels = [
                    ("gpu", gpu.index),
                    ("UUID", gpu.uuid),
                    ("device", device.as_str()),
                    ("modelName", "NVIDIA L4"),
                    ("Hostname", "gpu-node-1"),
                ];
                visitor.sample("", &labels, value(gpu));
            }
        };
        each("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", |g| g.utilization.get());
        each("DCGM_FI_DEV_MEM_COPY_UTIL", "Memory utilization (in %).", |g| g.copy.get());
        each("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", |g| g.used_mib.get());
        each("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", |g| {
            GPU_MEMORY_MIB - g.used_mib.get()
        });
        each("DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).", |g| g.watts.get());
        each("DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).", |g| g.celsius.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exposition::Protocol;
    use exposition::encode::TextEncoder;

    #[test]
    fn time_passes_and_counters_only_grow() {
        let world = World::new();
        let mut last = 0;
        for second in 0..200 {
            world.step(f64::from(second));
            let total = world.pods[0].total.get();
            assert!(total >= last, "second {second}");
            last = total;
        }
        assert!(last > 1000, "{last} requests in 200 s");
        let mut page = TextEncoder::new(Protocol::Text0);
        world.collect(&mut page);
        let page = page.finish();
        assert!(page.contains("asr_active_requests{pod=\"lightning-asr-0\"} "), "{page}");
        assert!(
            page.contains(
                "asr_request_duration_seconds_bucket{pod=\"lightning-asr-1\",le=\"+Inf\"} "
            )
        );
    }
}
