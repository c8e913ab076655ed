use super::*;
use crate::fleet::TargetState;
use crate::testing::{fleet, instance};

fn picker(instances: Vec<Instance>, multi: bool) -> State {
    let mut state = State::new(Settings { multi, ..Settings::default() });
    state.apply(Update::Found(instances));
    state
}

fn names(names: &[&str]) -> Vec<Instance> {
    names.iter().map(|name| instance(&format!("i-{name}"), name)).collect()
}

fn type_text(state: &mut State, text: &str) {
    for c in text.chars() {
        assert_eq!(state.handle(Key::Char(c)), None);
    }
}

fn selected(state: &mut State) -> String {
    state.selected().map(|instance| instance.id.clone()).unwrap_or_default()
}

fn chosen(action: Option<Action>) -> Vec<String> {
    match action {
        Some(Action::Choose(chosen)) => chosen.into_iter().map(|instance| instance.id).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn typing_narrows_and_enter_chooses_the_best() {
    let mut state = picker(names(&["web-1", "web-2", "db-1"]), false);
    type_text(&mut state, "db");
    assert_eq!(state.counts(), (1, 3));
    assert_eq!(chosen(state.handle(Key::Enter)), ["i-db-1"]);
    state.handle(Key::Ctrl('u'));
    assert_eq!(state.counts(), (3, 3));
    assert_eq!(selected(&mut state), "i-db-1");
}

#[test]
fn the_query_of_the_start_can_be_edited() {
    let mut state = State::new(Settings { query: "web".into(), ..Settings::default() });
    state.apply(Update::Found(names(&["web-1", "db-1"])));
    assert_eq!(state.counts(), (1, 2));
    state.handle(Key::Ctrl('w'));
    assert_eq!(state.counts(), (2, 2));
}

#[test]
fn enter_without_a_match_chooses_nothing_and_says_so() {
    let mut state = picker(Vec::new(), false);
    assert_eq!(state.handle(Key::Enter), None);
    assert_eq!(state.message(), Some("nothing matches"));
    state.handle(Key::Left);
    assert_eq!(state.message(), None);
    assert_eq!(state.handle(Key::Ctrl('y')), None);
}

#[test]
fn the_selection_stays_on_its_instance_when_pages_arrive() {
    let mut state = picker(names(&["m", "n"]), false);
    state.handle(Key::Down);
    assert_eq!(selected(&mut state), "i-n");
    state.apply(Update::Found(names(&["a", "b", "z"])));
    assert_eq!(selected(&mut state), "i-n");
    // Its status comes later, and it sinks to the end.
    state.apply(Update::Found(vec![Instance { status: TargetState::Offline, ..instance("i-n", "n") }]));
    assert_eq!(selected(&mut state), "i-n");
    assert_eq!(chosen(state.handle(Key::Enter)), ["i-n"]);
    state.handle(Key::Up);
    assert_eq!(selected(&mut state), "i-z");
}

#[test]
fn what_was_typed_selects_once_and_is_not_moved_by_what_comes() {
    let mut state = picker(names(&["web-2"]), false);
    type_text(&mut state, "web");
    assert_eq!(selected(&mut state), "i-web-2");
    state.apply(Update::Found(names(&["web-1"])));
    assert_eq!(selected(&mut state), "i-web-2");
    // Before the first key nothing was chosen.
    let mut state = picker(names(&["web-2"]), false);
    assert_eq!(selected(&mut state), "i-web-2");
    state.apply(Update::Found(names(&["web-1"])));
    assert_eq!(selected(&mut state), "i-web-1");
}

#[test]
fn what_is_gone_leaves_the_place_to_its_neighbour() {
    let mut state = picker(names(&["a", "b", "c"]), true);
    state.handle(Key::Tab);
    assert_eq!((selected(&mut state).as_str(), state.marked()), ("i-b", 1));
    state.apply(Update::Started);
    state.apply(Update::Found(names(&["c"])));
    state.apply(Update::Done { whole: false });
    assert_eq!((state.counts(), state.is_looking()), ((3, 3), false));
    state.apply(Update::Started);
    state.apply(Update::Found(names(&["c", "d"])));
    state.apply(Update::Done { whole: true });
    assert_eq!((state.counts(), state.marked()), ((2, 2), 0));
    assert_eq!(selected(&mut state), "i-d", "the second as before");
}

#[test]
fn several_are_marked_also_across_queries() {
    let mut state = picker(names(&["web-1", "web-2", "db-1"]), true);
    type_text(&mut state, "web");
    state.handle(Key::Tab);
    state.handle(Key::Ctrl('u'));
    type_text(&mut state, "db");
    state.handle(Key::BackTab);
    assert_eq!(state.marked(), 2);
    assert_eq!(chosen(state.handle(Key::Enter)), ["i-web-1", "i-db-1"]);
    // All that match, and none again.
    state.handle(Key::Ctrl('u'));
    state.handle(Key::Ctrl('a'));
    assert_eq!(state.marked(), 3);
    state.handle(Key::Ctrl('a'));
    assert_eq!(state.marked(), 0);
    assert_eq!(chosen(state.handle(Key::Enter)).len(), 1);
}

#[test]
fn where_one_is_wanted_marks_do_nothing_and_ctrl_a_is_the_start_of_the_line() {
    let mut state = picker(names(&["web-1", "web-2"]), false);
    type_text(&mut state, "eb");
    state.handle(Key::Tab);
    assert_eq!((selected(&mut state).as_str(), state.marked()), ("i-web-2", 0));
    state.handle(Key::Ctrl('a'));
    type_text(&mut state, "w");
    assert_eq!(state.line().text(), "web");
}

#[test]
fn keys_that_leave_and_those_that_ask() {
    for key in [Key::Esc, Key::Ctrl('c'), Key::Ctrl('g'), Key::Ctrl('d')] {
        assert_eq!(picker(names(&["a"]), false).handle(key), Some(Action::Leave));
    }
    let mut state = picker(names(&["a"]), false);
    assert_eq!(state.handle(Key::Ctrl('r')), Some(Action::Refresh));
    assert_eq!(state.handle(Key::Ctrl('y')), Some(Action::Copy("i-a".into())));
    assert_eq!(state.handle(Key::Ctrl('z')), Some(Action::Suspend));
    type_text(&mut state, "a");
    assert_eq!(state.handle(Key::Ctrl('d')), None, "only an empty line is the end");
}

#[test]
fn the_window_follows_the_selection_and_stays_full() {
    let mut state = picker(fleet(100), false);
    assert_eq!(state.window(10).0, 0);
    state.handle(Key::PageDown);
    assert_eq!(state.window(10).0, 1);
    state.handle(Key::Alt('>'));
    assert_eq!(state.window(10).0, 90);
    state.handle(Key::PageUp);
    assert_eq!(state.window(10).0, 89);
    // More room: no empty rows while there are some above.
    assert_eq!(state.window(50).0, 50);
    assert_eq!(state.window(200), (0, state.window(200).1));
    state.handle(Key::Alt('<'));
    assert_eq!(state.window(10).0, 0);
    assert_eq!(state.window(0).1.len(), 0);
}

#[test]
fn notes_and_what_is_looked_at_are_kept_within_bounds() {
    let mut state = picker(Vec::new(), false);
    assert!(state.is_looking(), "from the start");
    for _ in 0..100 {
        state.apply(Update::Note("denied\x1b[2J\n".into()));
    }
    assert_eq!(state.notes().len(), MOST_NOTES);
    assert_eq!(state.notes()[0], "denied\\u{1b}[2J");
    state.apply(Update::Started);
    assert!(state.notes().is_empty());
    state.feed_ended();
    assert!(!state.is_looking());
}

#[test]
fn ten_thousand_rows_are_narrowed_key_by_key() {
    let mut state = picker(fleet(10_000), false);
    for (typed, matching) in [("o", None), ("r", None), ("ders", Some(1_429)), (" dev", Some(476)), (" !09", None)] {
        type_text(&mut state, typed);
        if let Some(matching) = matching {
            assert_eq!(state.counts(), (matching, 10_000), "{typed}");
        }
    }
    let best = state.selected().and_then(|instance| instance.name.clone()).unwrap();
    assert!(best.starts_with("dev-orders-db-") && !best.contains("09"), "{best}");
}
