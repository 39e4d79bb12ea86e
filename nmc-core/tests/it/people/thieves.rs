//! Two honest tabs that share one storage, and a thief: every way in which what they do can interleave. The rule that they
//! play against is the one of [`super::rotation`], where the server is held to it.

use super::rotation::Session;

/// What can happen next. `A` and `B` are the tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// A tab shows the token that is stored.
    Shows(usize),
    /// Its answer arrives.
    Hears(usize),
    /// Its answer is lost.
    Misses(usize),
    /// The thief copies the token that is stored.
    Copies,
    /// The thief shows what they hold, and hold the answer from then on.
    Steals,
}

#[derive(Debug, Clone)]
struct World {
    session: Session,
    /// What both tabs share.
    stored: usize,
    /// What each tab has shown, and the answer on its way.
    asked: [Option<(usize, usize)>; 2],
    held: Option<usize>,
    /// To whom each token was handed out.
    owners: Vec<usize>,
    /// What the tabs, and the thief, went on with.
    used: [Vec<usize>; 2],
    steals: usize,
    log: Vec<Event>,
}

const HONEST: usize = 0;
const THIEF: usize = 1;

impl World {
    fn begun() -> Self {
        let (asked, used) = ([None; 2], [Vec::new(), Vec::new()]);
        Self { session: Session::begun(), stored: 0, asked, held: None, owners: vec![HONEST], used, steals: 0, log: Vec::new() }
    }

    fn next(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for tab in 0..2 {
            match self.asked[tab] {
                Some(_) => events.extend([Event::Hears(tab), Event::Misses(tab)]),
                // The tabs are alike: the first to do anything is A.
                None if tab == 0 || self.log.contains(&Event::Shows(0)) => events.push(Event::Shows(tab)),
                None => {}
            }
        }
        if self.steals < 2 {
            events.push(Event::Copies);
            events.extend(self.held.map(|_| Event::Steals));
        }
        events
    }

    /// The world after this, unless the session has ended.
    fn after(&self, event: Event) -> Option<Self> {
        let mut world = self.clone();
        world.log.push(event);
        match event {
            Event::Shows(tab) => {
                let shown = world.stored;
                let answer = world.show(HONEST, shown)?;
                world.asked[tab] = Some((shown, answer));
            }
            Event::Hears(tab) => {
                // A tab keeps an answer only while the token that it showed is still the one stored: else another tab was
                // faster, and went on perhaps.
                if let Some((shown, answer)) = world.asked[tab].take().filter(|(shown, _)| *shown == world.stored) {
                    debug_assert!(shown < answer);
                    world.stored = answer;
                }
            }
            Event::Misses(tab) => world.asked[tab] = None,
            Event::Copies => world.held = Some(world.stored),
            Event::Steals => {
                world.steals += 1;
                world.held = Some(world.show(THIEF, world.held?)?);
            }
        }
        Some(world)
    }

    fn show(&mut self, who: usize, token: usize) -> Option<usize> {
        let answer = self.session.show(token)?;
        self.used[who].push(token);
        self.owners.push(who);
        Some(answer)
    }

    fn is_before(&self, token: usize, other: usize) -> bool {
        let line = std::iter::successors(Some(other), |token| self.session.parents[*token]);
        line.into_iter().any(|before| before == token)
    }

    fn on_one_line(&self, token: usize, other: usize) -> bool {
        self.is_before(token, other) || self.is_before(other, token)
    }

    /// What must hold of a session that goes on.
    fn check(&self) {
        let Self { session, used: [honest, stolen], log, .. } = self;
        for (hers, his) in honest.iter().flat_map(|hers| stolen.iter().map(move |his| (*hers, *his))) {
            assert!(self.on_one_line(hers, his), "both went on, on lines that part: {log:?}");
        }
        let unused: Vec<usize> = (0..session.parents.len()).filter(|token| session.takes(*token)).collect();
        for (one, other) in unused.iter().flat_map(|one| unused.iter().map(move |other| (*one, *other))) {
            let parents = [session.parents[one], session.parents[other]];
            let are_answers_to_one = parents[0] == parents[1];
            assert!(self.on_one_line(one, other) || are_answers_to_one, "good at once on lines that part: {log:?}");
        }
        // Who goes on with an answer of their own shuts the other one out, up to a token that is copied later.
        if session.last.is_some_and(|last| self.owners[last] == THIEF) {
            assert!(!session.takes(self.stored), "the tabs still go on: {log:?}");
        }
        if let (Some(used), Some(held)) = (honest.iter().max(), self.held) {
            assert!(*used <= held || !session.takes(held), "the thief still goes on from before what was used: {log:?}");
        }
    }
}

/// Plays on from every world, so many events, and counts what came of it.
fn explore(world: &World, events: usize, without_thief: bool, seen: &mut [usize; 2]) {
    if events == 0 {
        return;
    }
    for event in world.next() {
        if without_thief && event == Event::Steals {
            continue;
        }
        match world.after(event) {
            Some(next) => {
                seen[0] += 1;
                next.check();
                explore(&next, events - 1, without_thief, seen);
            }
            None => {
                seen[1] += 1;
                assert!(world.steals > 0 || event == Event::Steals, "nobody stole: {:?}, then {event:?}", world.log);
            }
        }
    }
}

#[test]
fn tab_without_a_thief_keeps_the_session_whatever_is_lost() {
    let mut seen = [0; 2];
    explore(&World::begun(), 9, true, &mut seen);
    assert!(seen[0] > 10_000 && seen[1] == 0, "{seen:?}");
}

#[test]
fn with_a_thief_lines_that_part_never_go_on_both() {
    let mut seen = [0; 2];
    explore(&World::begun(), 8, false, &mut seen);
    assert!(seen[0] > 10_000 && seen[1] > 100, "{seen:?}");
}

#[test]
fn tab_that_keeps_a_late_answer_loses_the_session() {
    // Why clients compare before they store: docs of the refresh call say so. A shows 0, B shows 0, A hears 1 and shows it,
    // then B's answer 2 arrives and is stored over it.
    let mut session = Session::begun();
    assert_eq!([session.show(0), session.show(0), session.show(1)], [Some(1), Some(2), Some(3)]);
    assert_eq!(session.show(2), None);
}
