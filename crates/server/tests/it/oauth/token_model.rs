//! Random schedules of one grant's life on two nodes, held against a small model of the state machine: a client whose
//! answers get lost, tabs that refresh at once, a thief with copies of old tokens, API calls, a clock that jumps, nodes that
//! stop in order or fall over, and start again.
//!
//! The model keeps every token that was ever issued with its parent; the server keeps one row. `TEST_SEED=n` repeats a
//! schedule that failed.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use jiomeet_oauth::time::Timestamp;
use sql::FRESHNESS;

use super::{bearer_call, introspect, redeem, refresh, revoke};
use crate::support::{Answer, TestApp, World};

const GRACE: Duration = Duration::from_secs(60);
const REFRESH_TTL: Duration = Duration::from_secs(60 * 86_400);
const STEPS: usize = 60;
const SCHEDULES: u64 = 40;

/// What the model knows of one refresh token.
struct Issued {
    refresh: String,
    made_at: Timestamp,
    parent: Option<usize>,
    withdrawn: bool,
    /// Access tokens of this generation, and the moment at which each ends.
    access: Vec<(String, Timestamp)>,
}

/// One grant as the design describes it.
struct Model {
    issued: Vec<Issued>,
    current: usize,
    rotated_at: Timestamp,
    successor_used: bool,
    ended: bool,
}

/// What the design says a refresh token gets.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    /// A token that nobody has seen.
    Successor,
    /// The current one again.
    Again,
    Refused(&'static str),
}

impl Model {
    fn previous(&self) -> Option<usize> {
        self.issued[self.current].parent
    }

    fn is_expired(&self, token: usize, now: Timestamp) -> bool {
        now >= self.issued[token].made_at.plus(REFRESH_TTL)
    }

    /// What presenting the token gets, and what it changes.
    fn present(&mut self, token: usize, now: Timestamp) -> Expected {
        let in_grace = now < self.rotated_at.plus(GRACE);
        let previous = self.previous();
        if self.ended {
            return Expected::Refused("grant_ended");
        }
        if token == self.current {
            return match self.is_expired(token, now) {
                true => Expected::Refused("refresh_token_expired"),
                false => Expected::Successor,
            };
        }
        if Some(token) == previous {
            if self.is_expired(token, now) {
                return Expected::Refused("refresh_token_expired");
            }
            if in_grace {
                return Expected::Again;
            }
            if !self.successor_used {
                self.issued[self.current].withdrawn = true;
                return Expected::Successor;
            }
        } else if !self.issued[token].withdrawn || previous.is_some_and(|previous| token < previous) {
            // Made before the previous one: past its lifetime if that one is, withdrawn or not.
            if previous.is_some_and(|previous| self.is_expired(previous, now)) {
                return Expected::Refused("refresh_token_expired");
            }
            if in_grace && previous.is_some_and(|previous| self.issued[previous].parent == Some(token)) {
                return Expected::Refused("refresh_token_replaced");
            }
        }
        self.ended = true;
        Expected::Refused("refresh_token_replayed")
    }

    fn add(&mut self, parent: usize, refresh: String, now: Timestamp) {
        let made = Issued { refresh, made_at: now, parent: Some(parent), withdrawn: false, access: Vec::new() };
        self.issued.push(made);
        self.current = self.issued.len() - 1;
        self.rotated_at = now;
        self.successor_used = false;
    }

    /// What an API call with an access token of that generation gets.
    fn call(&mut self, generation: usize, ends_at: Timestamp, now: Timestamp) -> Option<&'static str> {
        if now >= ends_at {
            return Some("token_expired");
        }
        if self.ended || self.issued[generation].withdrawn {
            return Some("token_revoked");
        }
        self.note_use(generation);
        None
    }

    fn note_use(&mut self, generation: usize) {
        if generation > 0 && generation == self.current {
            self.successor_used = true;
        }
    }
}

/// A splitmix64 generator: the same schedule for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }
}

struct Run {
    nodes: [World; 2],
    app: TestApp,
    model: Model,
    dice: Dice,
    /// The token that the client has: it may have missed the answer that brought the next one.
    held: usize,
    story: String,
}

impl Run {
    async fn step(&mut self) {
        match self.dice.below(100) {
            0..30 => self.refresh(self.held, false).await,
            30..40 => self.refresh(self.held, true).await,
            40..46 => self.refresh_twice_at_once().await,
            46..50 => {
                let stolen = self.dice.below(self.model.issued.len());
                self.refresh(stolen, true).await;
            }
            50..75 => self.call().await,
            75..80 => self.introspect().await,
            80..97 => {
                let jumps = [1, 20, 59, 60, 61, 3600, 86_399, 86_400, 30 * 86_400, 60 * 86_400];
                let weights = [10, 10, 6, 6, 6, 4, 1, 1, 1, 1];
                let seconds = jumps[pick(&mut self.dice, &weights)];
                self.nodes[0].wait(Duration::from_secs(seconds));
                self.tell(format_args!("{seconds} seconds pass"));
            }
            // Seldom, for it takes a while.
            97..99 if self.dice.below(4) == 0 => {
                let node = self.dice.below(2);
                match self.dice.below(2) {
                    0 => self.nodes[node].restart().await,
                    _ => self.nodes[node].crash().await,
                }
                self.tell(format_args!("node {node} starts again"));
            }
            97..99 => {}
            _ => {
                let any = self.dice.below(self.model.issued.len());
                let node = self.any_node();
                assert_eq!(revoke(&self.nodes[node], &self.app, &self.model.issued[any].refresh).await.status, 200);
                self.model.ended = true;
                self.tell(format_args!("the app revokes by token {any}"));
            }
        }
    }

    fn tell(&mut self, what: std::fmt::Arguments<'_>) {
        writeln!(self.story, "  {what}").unwrap();
    }

    /// Presents a token. When the answer is lost the client goes on with what it has.
    async fn refresh(&mut self, token: usize, lost: bool) {
        let text = self.model.issued[token].refresh.clone();
        let node = self.any_node();
        let answer = refresh(&self.nodes[node], &self.app, &text).await;
        self.judge(token, &answer);
        if answer.status == 200 && !lost {
            self.held = self.model.current;
        }
    }

    async fn refresh_twice_at_once(&mut self) {
        let text = self.model.issued[self.held].refresh.clone();
        let (one, other) = (self.any_node(), self.any_node());
        let (one, other) = (&self.nodes[one], &self.nodes[other]);
        let (one, other) = tokio::join!(refresh(one, &self.app, &text), refresh(other, &self.app, &text));
        // Whichever came first: judged one after the other, both must be what the table says.
        let came_second = |answer: &Answer| answer.status != 200 && answer.json["message"] == "grant_ended";
        let (first, second) = if came_second(&one) { (other, one) } else { (one, other) };
        let held = self.held;
        self.judge(held, &first);
        self.judge(held, &second);
        if first.status == 200 {
            assert_eq!(first.tokens().refresh, second.tokens().refresh, "\n{}", self.story);
            self.held = self.model.current;
        }
    }

    fn judge(&mut self, token: usize, answer: &Answer) {
        let now = self.now();
        let expected = self.model.present(token, now);
        self.tell(format_args!("token {token} is presented: {} {}", answer.status, answer.json["message"]));
        let came = match answer.status {
            200 if answer.tokens().refresh == self.model.issued[self.model.current].refresh => Expected::Again,
            200 => Expected::Successor,
            _ => Expected::Refused(protocol::fault::find(&answer.text_of("message")).unwrap().code),
        };
        assert_eq!(came, expected, "\n{}", self.story);
        if answer.status == 200 {
            let tokens = answer.tokens();
            if came == Expected::Successor {
                let known = self.model.issued.iter().any(|issued| issued.refresh == tokens.refresh);
                assert!(!known, "a successor that was issued before\n{}", self.story);
                self.model.add(token, tokens.refresh.clone(), now);
            }
            let ends_at = Timestamp::from_millis(tokens.claims()["exp"].as_i64().unwrap() * 1000);
            assert!(ends_at <= now.plus(Duration::from_secs(86_400)));
            let current = self.model.current;
            self.model.issued[current].access.push((tokens.access, ends_at));
        }
    }

    async fn call(&mut self) {
        let generation = self.any_generation();
        let (access, ends_at) = self.any_access_of(generation);
        let expected = self.model.call(generation, ends_at, self.now());
        let node = self.any_node();
        let start = Instant::now();
        let mut came = bearer_call(&self.nodes[node], &access).await.err().map(|refusal| refusal.text_of("message"));
        // A node hears within a second what ended on another.
        while expected == Some("token_revoked") && came.is_none() && start.elapsed() < FRESHNESS {
            came = bearer_call(&self.nodes[node], &access).await.err().map(|refusal| refusal.text_of("message"));
        }
        self.tell(format_args!("a call with a token of generation {generation} at node {node}: {came:?}"));
        assert_eq!(came.as_deref(), expected, "\n{}", self.story);
    }

    async fn introspect(&mut self) {
        let generation = self.any_generation();
        let (access, ends_at) = self.any_access_of(generation);
        let expected = self.model.call(generation, ends_at, self.now()).is_none();
        let node = self.any_node();
        let start = Instant::now();
        let mut answer = introspect(&self.nodes[node], &self.app, &access).await;
        while !expected && answer.json["active"] == true && start.elapsed() < FRESHNESS {
            answer = introspect(&self.nodes[node], &self.app, &access).await;
        }
        self.tell(format_args!("a token of generation {generation} is introspected at node {node}: {}", answer.text));
        assert_eq!(answer.json["active"], expected, "\n{}", self.story);
    }

    fn any_node(&mut self) -> usize {
        self.dice.below(2)
    }

    fn now(&self) -> Timestamp {
        self.nodes[0].now()
    }

    /// Mostly the one that the client holds.
    fn any_generation(&mut self) -> usize {
        if self.dice.below(3) > 0 { self.held } else { self.dice.below(self.model.issued.len()) }
    }

    fn any_access_of(&mut self, generation: usize) -> (String, Timestamp) {
        let access = &self.model.issued[generation].access;
        access[self.dice.below(access.len())].clone()
    }
}

fn pick(dice: &mut Dice, weights: &[usize]) -> usize {
    let mut drawn = dice.below(weights.iter().sum());
    for (index, weight) in weights.iter().enumerate() {
        if drawn < *weight {
            return index;
        }
        drawn -= weight;
    }
    0
}

#[tokio::test]
async fn every_schedule_goes_as_the_design_says() {
    let fixed: Option<u64> = std::env::var("TEST_SEED").ok().map(|seed| seed.parse().unwrap());
    let base = u64::from_be_bytes(jiomeet_oauth::random::Random::default().bytes());
    let here = World::new().await;
    let there = here.second_node().await;
    let app = here.approved_app("planner").await;
    let mut nodes = [here, there];
    for schedule in 0..SCHEDULES {
        let seed = fixed.unwrap_or_else(|| base.wrapping_add(schedule));
        println!("TEST_SEED={seed}");
        let world = &nodes[0];
        let user = world.person(&format!("{schedule}@example.com")).await;
        let tokens = redeem(world, &app, &world.code(&app, &user).await).await.tokens();
        let now = world.now();
        let ends_at = now.plus(Duration::from_secs(86_400));
        let first = Issued {
            refresh: tokens.refresh,
            made_at: now,
            parent: None,
            withdrawn: false,
            access: vec![(tokens.access, ends_at)],
        };
        let model = Model { issued: vec![first], current: 0, rotated_at: now, successor_used: false, ended: false };
        let story = format!("TEST_SEED={seed}\n");
        let mut run = Run { nodes, app: app.clone(), model, dice: Dice(seed), held: 0, story };
        for _ in 0..STEPS {
            run.step().await;
        }
        nodes = run.nodes;
    }
}
