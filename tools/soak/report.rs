//! What came of it, printed as a list.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::intake::Intake;
use crate::process::{Stopped, Usage};

/// The measurements of a run.
#[derive(Debug)]
pub(crate) struct Report {
    start: Instant,
    warm_up: Duration,
    samples: Vec<(Duration, Usage)>,
}

impl Report {
    pub(crate) fn new(start: Instant, warm_up: Duration) -> Self {
        Self { start, warm_up, samples: Vec::new() }
    }

    pub(crate) fn add(&mut self, usage: Usage) {
        self.samples.push((self.start.elapsed(), usage));
    }

    pub(crate) fn print(&self, page: &Page, begun: &[u32], intake: &Intake, stopped: &Stopped) {
        let sums = |family: &str, label: &str| page.sums(family, label);
        println!("scrapes by outcome          {:?}", sums("retriever_scrapes_total", "outcome"));
        println!("scrapes left out            {:?}", sums("retriever_skipped_scrapes_total", "reason"));
        println!("samples read                {:?}", sums("retriever_scrape_samples_total", ""));
        println!("points handed on            {:?}", sums("retriever_points_total", ""));
        println!("points delivered            {:?}", sums("retriever_delivered_total", ""));
        println!("points dropped              {:?}", sums("retriever_delivery_dropped_total", "reason"));
        println!("files open at the end       {:?}", sums("process_open_fds", ""));
        println!("the page of metrics         {} bytes in {:?}", page.text.len(), page.took);
        let (requests, bytes) = intake.taken();
        println!("the intake took             {requests} requests, {bytes} bytes");
        self.print_usage();
        let (sum, most) = (begun.iter().sum::<u32>(), begun.iter().max().copied().unwrap_or_default());
        let mean = f64::from(sum) / begun.len().max(1) as f64;
        println!(
            "scrapes begun in a second   {mean:.1} on average, at most {most}, {:.2} times that",
            f64::from(most) / mean
        );
        println!("stopped                     {} within {:?}", stopped.status, stopped.took);
    }

    fn print_usage(&self) {
        let mut measured = self.samples.iter().filter(|(at, _)| *at >= self.warm_up);
        let (Some((from, first)), Some((to, last))) = (measured.next(), self.samples.last()) else {
            println!("it did not run for longer than the warm-up");
            return;
        };
        let cores = last.cpu.abs_diff(first.cpu).as_secs_f64() / to.abs_diff(*from).as_secs_f64();
        println!("CPU, in cores               {cores:.3} from {} s to {} s", from.as_secs(), to.as_secs());
        println!("CPU until then              {:.2} s", first.cpu.as_secs_f64());
        let most = self.samples.iter().map(|(_, usage)| usage.resident).max().unwrap_or_default();
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        println!(
            "resident memory, in MB      {:.1} after the warm-up, {:.1} at the end, at most {:.1}",
            megabytes(first.resident),
            megabytes(last.resident),
            megabytes(most)
        );
    }
}

/// Retriever's own metrics.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    took: Duration,
}

impl Page {
    /// The sums of a family, by the value of a label.
    fn sums(&self, family: &str, label: &str) -> BTreeMap<&str, f64> {
        let mut sums = BTreeMap::new();
        for line in self.text.lines() {
            let Some(rest) = line.strip_prefix(family).filter(|rest| rest.starts_with(['{', ' '])) else { continue };
            let Some((labels, value)) = rest.rsplit_once(' ') else { continue };
            let value_of = labels.split_once(&format!("{label}=\"")).and_then(|(_, rest)| rest.split('"').next());
            *sums.entry(value_of.filter(|_| !label.is_empty()).unwrap_or("all")).or_default() +=
                value.parse::<f64>().unwrap_or(f64::NAN);
        }
        sums
    }
}

/// Fetches Retriever's own metrics.
pub(crate) async fn page(admin: SocketAddr) -> Result<Page, Box<dyn Error>> {
    let begun = Instant::now();
    let stream = TcpStream::connect(admin).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::builder().uri("/metrics").header("host", admin.to_string()).body(Empty::<Bytes>::new())?;
    let body = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
    Ok(Page { text: String::from_utf8(body.to_vec())?, took: begun.elapsed() })
}
