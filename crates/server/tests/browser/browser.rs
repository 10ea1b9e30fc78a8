//! Headless Chromium, driven by WebDriver.

use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

/// Chromium, as root too and without a word to the outside.
const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",
];

/// One browser with one window. Driver and chromium end with it, in whatever way the test ends, before their files are
/// removed.
pub struct Browser {
    client: Client,
    _driver: Driver,
    _profile: tempfile::TempDir,
}

impl Deref for Browser {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// The driver, and the chromium that it starts, which outlives a driver that is killed.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        end(&self.0.id().to_string());
        let _ = self.0.wait();
    }
}

/// Ends a process, and then those that it had started.
fn end(process: &str) {
    let mut children = String::new();
    for thread in std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        children += &std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
    }
    let _ = Command::new("kill").args(["-KILL", process]).stderr(Stdio::null()).status();
    children.split_whitespace().for_each(end);
}

/// Starts a driver on a port of its own choice. Of several that start at once one may lose the port that it chose for
/// both address families, and ends: it is started again.
fn start_driver() -> (Driver, u16) {
    for _ in 0..5 {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing; install it with: apt-get install chromium chromium-driver");
        let mut driver = Driver(driver);
        let lines = BufReader::new(driver.0.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("successfully on port ")?;
            rest.trim_end_matches('.').parse::<u16>().ok()
        });
        if let Some(port) = port {
            return (driver, port);
        }
    }
    panic!("chromedriver does not start");
}

impl Browser {
    /// A fresh browser without cookies, its window that wide and high.
    pub async fn open(width: u32, height: u32) -> Browser {
        let (driver, port) = start_driver();
        let profile = tempfile::tempdir().unwrap();
        let mut arguments: Vec<String> = ARGUMENTS.iter().map(|argument| (*argument).to_owned()).collect();
        arguments.push(format!("--window-size={width},{height}"));
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({"goog:chromeOptions": {"args": arguments}});
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromium starts");
        // The window's frame takes room: ask for the size of what the page sees.
        client.set_window_size(width, height).await.unwrap();
        Browser { client, _driver: driver, _profile: profile }
    }

    /// The element that a CSS selector names; waits for it.
    pub async fn the(&self, selector: &str) -> Element {
        match self.client.wait().at_most(Duration::from_secs(10)).for_element(Locator::Css(selector)).await {
            Ok(element) => element,
            Err(_) => panic!("no {selector} on {}:\n{}", self.address().await, self.text().await),
        }
    }

    /// Everything that the page says.
    pub async fn text(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Where the browser is.
    pub async fn address(&self) -> String {
        self.client.current_url().await.map(|url| url.to_string()).unwrap_or_default()
    }

    /// Waits until the page says this.
    pub async fn reads(&self, words: &str) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if self.text().await.contains(words) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?} does not say {words:?}:\n{}", self.address().await, self.text().await);
    }

    /// Waits until that part of the page says this.
    pub async fn reads_at(&self, selector: &str, words: &str) {
        let start = Instant::now();
        let said = async || self.the(selector).await.text().await.unwrap_or_default();
        while !said().await.contains(words) {
            let patience = start.elapsed() < Duration::from_secs(15);
            assert!(patience, "{selector} does not say {words:?} but {:?}", said().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Types into a field, instead of what is there.
    pub async fn fill(&self, selector: &str, text: &str) {
        let field = self.the(selector).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Sets a field that has a picker of its own (dates, times), as a person would by choosing there.
    pub async fn choose(&self, selector: &str, value: &str) {
        self.the(selector).await;
        let script = "const field = document.querySelector(arguments[0]); field.value = arguments[1];
            field.dispatchEvent(new Event('change', {bubbles: true}));";
        self.client.execute(script, vec![json!(selector), json!(value)]).await.unwrap();
    }

    /// Clicks what a CSS selector names.
    pub async fn click(&self, selector: &str) {
        self.the(selector).await.click().await.unwrap();
    }

    /// The link, button or summary with that text.
    pub async fn named(&self, text: &str) -> Element {
        let path = format!("//*[self::a or self::button or self::summary][normalize-space()=\"{text}\"]");
        match self.client.wait().at_most(Duration::from_secs(10)).for_element(Locator::XPath(&path)).await {
            Ok(element) => element,
            Err(_) => panic!("nothing called {text:?} on {}:\n{}", self.address().await, self.text().await),
        }
    }

    /// Clicks the link or button with that text.
    pub async fn press(&self, text: &str) {
        self.named(text).await.click().await.unwrap();
    }

    /// What stands in a field.
    pub async fn value(&self, selector: &str) -> String {
        let value = self.the(selector).await.prop("value").await.unwrap();
        // A browser reports the lines of a text area with line feeds alone.
        value.unwrap_or_default()
    }

    /// Loads the page again until it no longer says this: something works in the background.
    pub async fn reload_while(&self, words: &str) {
        let start = Instant::now();
        while self.text().await.contains(words) {
            assert!(start.elapsed() < Duration::from_secs(30), "{} still says {words:?}", self.address().await);
            tokio::time::sleep(Duration::from_millis(250)).await;
            self.client.refresh().await.unwrap();
        }
    }

    /// The beginning of an element's tag, to name it in a failure.
    pub async fn outline(&self, element: &Element) -> String {
        let tag: String = element.html(false).await.unwrap_or_default().chars().take(120).collect();
        tag.split('\n').next().unwrap_or_default().to_owned()
    }

    /// Signs in on the page that asks for it.
    pub async fn sign_in(&self, (email, password): (&str, &str)) {
        self.fill("input[name=email]", email).await;
        self.fill("input[name=password]", password).await;
        self.click("form[action='/sign-in'] button").await;
    }

    /// A picture of the window for people to look at.
    pub async fn picture(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), self.client.screenshot().await.unwrap()).unwrap();
    }

    /// Pictures of the whole page as wide as a desk and as a phone, where nothing may stick out.
    pub async fn pictures(&self, name: &str) {
        const DESK: (u32, u32) = (1280, 800);
        for (width, height, name) in [(DESK.0, DESK.1, name.to_owned()), (390, 844, format!("phone-{name}"))] {
            self.client.set_window_size(width, height).await.unwrap();
            // The window's frame takes room of its own.
            let whole = "return document.documentElement.scrollHeight + outerHeight - innerHeight;";
            let whole = self.client.execute(whole, vec![]).await.unwrap().as_u64().unwrap_or(0);
            let whole = u32::try_from(whole).unwrap_or(height).clamp(height, 8000);
            self.client.set_window_size(width, whole).await.unwrap();
            self.client.execute("scrollTo(0, 0);", vec![]).await.unwrap();
            self.picture(&name).await;
            assert!(self.overflow().await <= 0, "{name} is wider than the window: {}", self.widest().await);
        }
        self.client.set_window_size(DESK.0, DESK.1).await.unwrap();
    }

    /// Pixels by which the page is wider than the window.
    pub async fn overflow(&self) -> i64 {
        let script = "return document.scrollingElement.scrollWidth - document.documentElement.clientWidth;";
        self.client.execute(script, vec![]).await.unwrap().as_i64().unwrap()
    }

    /// What sticks out the most, to name it in a failure.
    pub async fn widest(&self) -> String {
        let script = "const out = [...document.querySelectorAll('*')].map((e) => [e.getBoundingClientRect().right, e]);
            out.sort((a, b) => b[0] - a[0]); return out.slice(0, 5).map(([x, e]) => e.outerHTML.slice(0, 80) + ' ' + x).join('\\n');";
        self.client.execute(script, vec![]).await.unwrap().as_str().unwrap_or_default().to_owned()
    }
}
