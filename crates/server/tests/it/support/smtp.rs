//! A mail server of the tests' own (RFC 5321, as far as we speak it), in the moods that real ones have.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How the server behaves towards the next mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It takes everything.
    Accepts,
    /// 550 to every recipient.
    Refuses,
    /// 451 to every recipient.
    Defers,
    /// 421 instead of a greeting.
    TurnsAway,
    /// It takes the connection and says nothing.
    Hangs,
}

/// A mail that it took.
#[derive(Debug, Clone)]
pub struct Taken {
    pub from: String,
    pub to: String,
    /// Headers and text, as they came.
    pub data: String,
}

impl Taken {
    /// A header's value.
    pub fn header(&self, name: &str) -> String {
        let head = self.data.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let start = format!("{name}: ");
        head.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default().to_owned()
    }

    /// The text, with quoted-printable undone.
    pub fn body(&self) -> String {
        let (_, body) = self.data.split_once("\r\n\r\n").unwrap();
        let joined = body.replace("=\r\n", "");
        let mut bytes = Vec::new();
        let mut rest = joined.as_bytes();
        let quoted = self.header("Content-Transfer-Encoding") == "quoted-printable";
        while let Some((&byte, tail)) = rest.split_first() {
            if quoted && byte == b'=' && tail.len() >= 2 {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                rest = &tail[2..];
            } else {
                bytes.push(byte);
                rest = tail;
            }
        }
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}

/// The server.
pub struct MailServer {
    pub port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    mood: Mutex<Mood>,
    taken: Mutex<Vec<Taken>>,
    connections: std::sync::atomic::AtomicUsize,
}

impl MailServer {
    pub async fn start(mood: Mood) -> MailServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            mood: Mutex::new(mood),
            taken: Mutex::default(),
            connections: std::sync::atomic::AtomicUsize::new(0),
        });
        let of_task = shared.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = of_task.clone();
                shared.connections.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                tokio::spawn(async move {
                    // A client that goes away ends the conversation.
                    let _ = converse(stream, &shared).await;
                });
            }
        });
        MailServer { port, shared, task }
    }

    /// What the product is configured with.
    pub fn config(&self) -> String {
        config(self.port)
    }

    pub fn set_mood(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// What it took so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Stops listening; what it took stays.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The configuration that sends mail to that port of this machine.
pub fn config(port: u16) -> String {
    format!("mail.smtp = \"smtp://127.0.0.1:{port}?tls=none\"\nmail.from = \"JioMeet <no-reply@meet.example.com>\"\n")
}

async fn converse(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mood = *shared.mood.lock().unwrap_or_else(PoisonError::into_inner);
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    match mood {
        Mood::Hangs => {
            while lines.next_line().await?.is_some() {}
            return Ok(());
        }
        Mood::TurnsAway => return writer.write_all(b"421 come back later\r\n").await,
        Mood::Accepts | Mood::Refuses | Mood::Defers => writer.write_all(b"220 mail.test ready\r\n").await?,
    }
    let (mut from, mut to) = (String::new(), String::new());
    while let Some(line) = lines.next_line().await? {
        let inside = |line: &str| line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let reply = match line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => "250-mail.test\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
            "MAIL" => {
                from = inside(&line);
                "250 ok\r\n"
            }
            "RCPT" => {
                to = inside(&line);
                match mood {
                    Mood::Refuses => "550 5.1.1 no such mailbox\r\n",
                    Mood::Defers => "451 4.7.1 greylisted\r\n",
                    _ => "250 ok\r\n",
                }
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut data = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    data.push_str("\r\n");
                }
                let taken = Taken { from: from.clone(), to: to.clone(), data };
                shared.taken.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
                "250 taken\r\n"
            }
            "QUIT" => return writer.write_all(b"221 bye\r\n").await,
            "RSET" | "NOOP" => "250 ok\r\n",
            _ => "500 what?\r\n",
        };
        writer.write_all(reply.as_bytes()).await?;
    }
    Ok(())
}
