use super::local_server::LocalServer;
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The steps of handing a mail over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpStep {
    /// The connection is made.
    Greeting,
    /// `EHLO`.
    Hello,
    /// `AUTH`.
    Login,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`.
    Data,
    /// The mail itself.
    Message,
}

/// One way in which a mail server fails, at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmtpFault {
    /// Nothing goes wrong, and the next fault is for the next mail.
    Pass,
    /// The server answers this line (`451 4.7.1 later`), and takes nothing.
    Answer(SmtpStep, String),
    /// The server closes the connection instead of an answer, and has taken nothing.
    Drop(SmtpStep),
    /// The server never answers, and has taken nothing.
    Stall(SmtpStep),
    /// The server takes the mail and closes the connection without a word.
    DropAfterTaking,
    /// The server takes the mail and never answers.
    StallAfterTaking,
}

/// A mail that the server took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenMail {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The mail with its headers, lines ended by `\n`.
    pub text: String,
}

impl TakenMail {
    /// The value of a header, its lines joined.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.text.split("\n\n").next()?.replace("\n ", " ");
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }
}

/// A mail server on this machine, without TLS: it remembers what it took, and fails on demand.
pub struct FakeSmtp {
    state: Arc<Mutex<State>>,
    server: LocalServer,
}

#[derive(Default)]
struct State {
    taken: Vec<TakenMail>,
    faults: VecDeque<SmtpFault>,
    connections: usize,
    logins: Vec<String>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeSmtp {
    /// Starts a mail server.
    #[must_use]
    pub fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let server = LocalServer::start({
            let state = Arc::clone(&state);
            move |stream| Session::new(&state, stream)?.serve()
        });
        Self { state, server }
    }

    /// The address of the server, as `nmc_core::smtp::SmtpConfig` reads it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.server.address)
    }

    /// The next mails fail so, in this order.
    pub fn fail_with(&self, faults: impl IntoIterator<Item = SmtpFault>) {
        lock(&self.state).faults.extend(faults);
    }

    /// The mails that the server took, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<TakenMail> {
        lock(&self.state).taken.clone()
    }

    /// The number of connections that were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// What was said at each login, in base64.
    #[must_use]
    pub fn logins(&self) -> Vec<String> {
        lock(&self.state).logins.clone()
    }
}

struct Session<'s> {
    state: &'s Mutex<State>,
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    from: String,
    to: Vec<String>,
}

/// What happens to a connection after a step.
enum Next {
    Go,
    End,
}

impl<'s> Session<'s> {
    fn new(state: &'s Mutex<State>, stream: TcpStream) -> std::io::Result<Self> {
        lock(state).connections += 1;
        let writer = stream.try_clone()?;
        Ok(Self { state, reader: BufReader::new(stream), writer, from: String::new(), to: Vec::new() })
    }

    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = String::new();
        let read = (&mut self.reader).take(2_000).read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end().to_owned()))
    }

    /// The fault that is meant for this step, if the next one is.
    fn fault(&self, step: SmtpStep) -> Option<SmtpFault> {
        let mut state = lock(self.state);
        let is_now = match state.faults.front()? {
            SmtpFault::Pass | SmtpFault::DropAfterTaking | SmtpFault::StallAfterTaking => step == SmtpStep::Message,
            SmtpFault::Answer(at, _) | SmtpFault::Drop(at) | SmtpFault::Stall(at) => *at == step,
        };
        if is_now { state.faults.pop_front() } else { None }
    }

    /// Waits until the client goes.
    fn stall(&mut self) -> std::io::Result<Next> {
        std::io::copy(&mut self.reader, &mut std::io::sink())?;
        Ok(Next::End)
    }

    fn answer(&mut self, step: SmtpStep, line: &str) -> std::io::Result<Next> {
        match self.fault(step) {
            Some(SmtpFault::Answer(_, line)) => self.say(&line),
            Some(SmtpFault::Drop(_)) => Ok(Next::End),
            Some(SmtpFault::Stall(_)) => self.stall(),
            _ => self.say(line),
        }
    }

    fn say(&mut self, line: &str) -> std::io::Result<Next> {
        self.writer.write_all(format!("{line}\r\n").as_bytes())?;
        Ok(Next::Go)
    }

    fn serve(mut self) -> std::io::Result<()> {
        let mut next = self.answer(SmtpStep::Greeting, "220 fake.example.com ready")?;
        while let Next::Go = next {
            let Some(line) = self.line()? else { break };
            next = self.obey(&line)?;
        }
        Ok(())
    }

    fn obey(&mut self, line: &str) -> std::io::Result<Next> {
        let within = |line: &str| line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        match line.to_ascii_uppercase().split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => self.answer(SmtpStep::Hello, "250-fake.example.com\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN"),
            "AUTH" => {
                lock(self.state).logins.push(line.to_owned());
                self.answer(SmtpStep::Login, "235 2.7.0 welcome")
            }
            "MAIL" => {
                (self.from, self.to) = (within(line), Vec::new());
                self.answer(SmtpStep::Sender, "250 2.1.0 ok")
            }
            "RCPT" => {
                self.to.push(within(line));
                self.answer(SmtpStep::Recipient, "250 2.1.5 ok")
            }
            "DATA" => match self.fault(SmtpStep::Data) {
                None => {
                    self.say("354 go on")?;
                    self.message()
                }
                Some(SmtpFault::Answer(_, line)) => self.say(&line),
                Some(SmtpFault::Stall(_)) => self.stall(),
                Some(_) => Ok(Next::End),
            },
            "QUIT" => {
                self.say("221 bye")?;
                Ok(Next::End)
            }
            "NOOP" | "RSET" => self.say("250 ok"),
            _ => self.say("502 5.5.1 what?"),
        }
    }

    fn message(&mut self) -> std::io::Result<Next> {
        let mut text = String::new();
        loop {
            let Some(line) = self.line()? else { return Ok(Next::End) };
            if line == "." {
                break;
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push('\n');
        }
        let mail = TakenMail { from: self.from.clone(), to: self.to.clone(), text };
        let fault = self.fault(SmtpStep::Message);
        if matches!(fault, None | Some(SmtpFault::Pass | SmtpFault::DropAfterTaking | SmtpFault::StallAfterTaking)) {
            lock(self.state).taken.push(mail);
        }
        match fault {
            Some(SmtpFault::Answer(_, line)) => self.say(&line),
            Some(SmtpFault::Stall(_) | SmtpFault::StallAfterTaking) => self.stall(),
            Some(SmtpFault::Drop(_) | SmtpFault::DropAfterTaking) => Ok(Next::End),
            None | Some(SmtpFault::Pass) => self.say("250 2.0.0 taken as 4711"),
        }
    }
}
