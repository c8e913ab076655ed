//! What a seed decides: the network, the service, the agent, and what they do that they should not.

use std::time::Duration;

use super::random::Random;

/// One seed's world.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) network: Network,
    pub(super) service: Service,
    pub(super) agent: Agent,
    /// Files that the program may have open.
    pub(super) files: u64,
    /// The one thing that no peer should do and that one does.
    pub(super) lie: Option<Lie>,
}

#[derive(Clone, Debug)]
pub(super) struct Network {
    /// From the client to the agent, or back.
    pub(super) latency: Duration,
    /// Added to single frames, which come out of order then.
    pub(super) jitter: Duration,
    /// Frames of a thousand that are lost on the way, or come twice.
    pub(super) lost: u64,
    pub(super) repeated: u64,
    /// How long connections last, one after the other; the last one stays.
    pub(super) cuts: Vec<Duration>,
    /// A connection that is cut goes on to be there for the client, in silence.
    pub(super) silent_cuts: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Service {
    /// Requests of a thousand that fail, and that are never answered.
    pub(super) failing: u64,
    pub(super) unanswered: u64,
    /// A token is good for one connection.
    pub(super) single_use_tokens: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) kms: bool,
    /// Before it says the first word.
    pub(super) start: Duration,
    pub(super) version: &'static str,
}

/// What no peer should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// The agent says nothing from the first frame on.
    NeverSpeaks,
    /// The agent says and acknowledges nothing after so many frames.
    FallsSilent(u64),
    /// The gateway closes the connection on every frame above so many bytes, with code 1009 or another one.
    ClosesOnSize(usize, u16),
    /// The gateway closes the connection on every so-manieth stream message, which is repeated and meets the same.
    ClosesOnContent(u64),
    /// A frame above what a client takes.
    Oversized,
    /// A frame whose header claims to be this long.
    HeaderLength(u32),
    /// Frames that are nearly all header, and whose turn never comes, so many on each connection.
    Hoards(usize),
    /// Frames of noise.
    Noise,
    /// The agent declares the handshake complete before there is a key.
    CompletesEarly,
    /// The gateway loses every frame above so many bytes, and answers pings.
    SwallowsSize(usize),
    /// The service ends the session before all of it has arrived.
    EndsEarly,
    /// The service ends the session when all of it was sent, before any of it is acknowledged.
    EndsUnacknowledged,
    /// No token of a resumption is taken.
    RefusesTokens,
    /// A resumption is refused: as denied, or as a session that is gone.
    RefusesResume(bool),
    /// Another client takes the session over whenever we have it, so many times.
    SecondClient(u32),
    /// The machine sleeps for hours.
    Sleeps(Duration),
}

/// An agent that does not multiplex.
pub(super) const BASIC: &str = "2.3.1205.0";

impl Network {
    /// Connections do not last.
    pub(super) fn is_cut(&self) -> bool {
        !self.cuts.is_empty()
    }
}

impl Service {
    /// Every request is answered.
    pub(super) fn is_sound(&self) -> bool {
        self.failing == 0 && self.unanswered == 0
    }
}

impl Plan {
    /// Nothing happens that a client cannot make good.
    pub(super) fn is_kind(&self) -> bool {
        self.lie.is_none() && !self.network.is_cut() && self.service.is_sound()
    }

    /// Nothing happens that costs a byte of a session that is ready: cuts, and what the gateway says of sizes, are made
    /// good.
    pub(super) fn is_reparable(&self) -> bool {
        let is_harmless = matches!(self.lie, None | Some(Lie::ClosesOnSize(_, 1009)));
        is_harmless && self.service.is_sound()
    }

    /// Frames arrive once, in their order, and over one connection.
    pub(super) fn is_straight(&self) -> bool {
        let network = &self.network;
        network.jitter.is_zero() && network.lost == 0 && !network.is_cut() && self.service.is_sound()
    }

    /// Puts the machine to sleep for a while, if it is to sleep; for how long.
    pub(super) fn sleep(&self, random: &mut Random) -> Duration {
        let Some(Lie::Sleeps(length)) = self.lie else { return Duration::ZERO };
        let after = random.span(Duration::from_secs(20));
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            tokio::time::advance(length).await;
        });
        length
    }

    pub(super) fn draw(random: &mut Random) -> Self {
        let bad = random.chance(500);
        let cuts = if random.chance(400) { random.below(5) } else { 0 };
        let network = Network {
            latency: random.span(Duration::from_millis(300)),
            jitter: if bad { random.span(Duration::from_millis(200)) } else { Duration::ZERO },
            lost: if bad { random.below(50) } else { 0 },
            repeated: if bad { random.below(50) } else { 0 },
            cuts: (0..cuts).map(|_| random.span(Duration::from_secs(20))).collect(),
            silent_cuts: random.chance(200),
        };
        let service = Service {
            failing: if random.chance(300) { random.below(700) } else { 0 },
            unanswered: if random.chance(100) { random.below(300) } else { 0 },
            single_use_tokens: random.chance(500),
        };
        let agent = Agent {
            kms: random.chance(300),
            start: random.span(Duration::from_secs(3)),
            version: random.among(&["3.3.2299.0", "3.3.2299.0", "3.3.2299.0", "3.1.1260.0", BASIC]),
        };
        let lie = random.chance(500).then(|| Lie::draw(random));
        let files = if random.chance(200) { 8 + random.below(8) } else { 1000 };
        Self { network, service, agent, files, lie }
    }
}

impl Lie {
    fn draw(random: &mut Random) -> Self {
        match random.below(15) {
            0 => Self::NeverSpeaks,
            1 => Self::FallsSilent(random.below(60)),
            2 => Self::ClosesOnSize(size(random), random.among(&[1009, 1008])),
            3 => Self::ClosesOnContent(1 + random.below(40)),
            4 => Self::Oversized,
            5 if random.chance(200) => Self::Hoards(2_000),
            5 => Self::HeaderLength([0, 115, 200, 1 << 20, u32::MAX][random.below(5) as usize]),
            6 => Self::Noise,
            7 => Self::CompletesEarly,
            8 => Self::EndsEarly,
            9 => Self::RefusesTokens,
            10 => Self::RefusesResume(random.chance(500)),
            11 if random.chance(300) => Self::SecondClient(u32::MAX),
            11 => Self::SecondClient(1 + random.below(20) as u32),
            12 => Self::SwallowsSize(size(random)),
            13 => Self::EndsUnacknowledged,
            _ => Self::Sleeps(Duration::from_hours(1 + random.below(10))),
        }
    }
}

/// Between a message of the official client and the largest one that ssmx tries.
fn size(random: &mut Random) -> usize {
    1200 + random.below(40_000) as usize
}
