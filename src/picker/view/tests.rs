use super::*;
use crate::fleet::InstanceState;
use crate::picker::feed::Update;
use crate::picker::keys::Key;
use crate::picker::state::Settings;
use crate::testing::{fleet, instance};

fn screen(state: &mut State, width: u16, height: u16) -> (Vec<String>, Buffer, Position) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let cursor = draw(state, &mut buffer);
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    ((0..height).map(line).collect(), buffer, cursor)
}

fn picker(instances: Vec<Instance>, settings: Settings) -> State {
    let mut state = State::new(settings);
    state.apply(Update::Found(instances));
    state.apply(Update::Done { whole: true });
    state
}

#[test]
fn a_screen_of_80_by_24() {
    let db = Instance { status: TargetState::Down(InstanceState::Stopped), ..instance("i-0123456789abcdef2", "db-1") };
    let mut state = picker(
        vec![instance("i-0123456789abcdef0", "web-1"), instance("i-0123456789abcdef1", "web-2"), db],
        Settings::default(),
    );
    for c in "1".chars() {
        state.handle(Key::Char(c));
    }
    let (lines, buffer, cursor) = screen(&mut state, 80, 24);
    assert_eq!(lines[0], format!("{:<79}3", "> 1"));
    assert_eq!(lines[1], "  NAME   ID                   STATUS   PLATFORM  ZONE        IP");
    assert_eq!(lines[2], "> web-1  i-0123456789abcdef0  online   Linux     eu-west-1a  10.1.0.10");
    assert_eq!(lines[3], "  db-1   i-0123456789abcdef2  stopped  Linux     eu-west-1a  10.1.0.10");
    assert_eq!(lines[4], "  web-2  i-0123456789abcdef1  online   Linux     eu-west-1a  10.1.0.10");
    assert_eq!(lines[5], "");
    assert_eq!(lines[20], "─".repeat(80));
    assert_eq!(lines[21], "t3.micro · eu-west-1 · agent 3.3.0.0");
    assert_eq!(lines[22], "Env=prod");
    assert_eq!(lines[23], "Enter choose  Ctrl-R refresh  Ctrl-Y copy id  Esc leave");
    assert_eq!(cursor, Position::new(3, 0));
    assert!(
        buffer[(2, 2)].modifier.contains(Modifier::REVERSED) && !buffer[(2, 3)].modifier.contains(Modifier::REVERSED)
    );
    assert!(buffer[(6, 2)].modifier.contains(Modifier::UNDERLINED), "the letter that matched");
    assert!(!buffer[(5, 2)].modifier.contains(Modifier::UNDERLINED));
}

#[test]
fn small_screens_keep_what_matters() {
    let mut state = picker(fleet(30), Settings { multi: true, ..Settings::default() });
    state.handle(Key::Tab);
    let (lines, ..) = screen(&mut state, 40, 10);
    assert_eq!(lines[0], format!("{:<28}30  1 marked", ">"));
    assert_eq!(lines[1], "  NAME                     STATUS");
    assert_eq!(lines[2], " *dev-api-00008            online");
    assert_eq!(lines[3], "> dev-api-00029            online");
    assert!(lines[8].starts_with("i-") && lines[8].ends_with('…'), "{}", lines[8]);
    for (width, height) in [(1, 1), (2, 2), (3, 5), (10, 3), (0, 5), (300, 100), (5, 40)] {
        let _ = screen(&mut state, width, height);
    }
    assert!(screen(&mut state, 20, 2).0[1].contains("dev-"));
}

#[test]
fn what_is_loading_and_what_failed_is_shown() {
    let mut state = picker(fleet(3), Settings::default());
    assert!(!screen(&mut state, 80, 24).0[0].contains('⠋'));
    state.apply(Update::Started);
    state.apply(Update::Waiting("eu-west-1".into()));
    assert!(screen(&mut state, 80, 24).0[0].ends_with("3  ⠋ eu-west-1"));
    state.tick();
    assert!(screen(&mut state, 80, 24).0[0].ends_with("3  ⠙ eu-west-1"));
    state.apply(Update::Note("us-east-1: denied".into()));
    state.apply(Update::Done { whole: false });
    assert_eq!(screen(&mut state, 80, 24).0[22], "us-east-1: denied");
    assert_eq!(screen(&mut state, 40, 10).0[9], "us-east-1: denied");
    state.show_message("copied i-1".into());
    assert_eq!(screen(&mut state, 40, 10).0[9], "copied i-1");
}

#[test]
fn wide_and_dangerous_names_keep_their_cells() {
    let names = ["日本語サーバー", "web\x1b[2J", "e\u{301}te\u{301}", "👨‍👩‍👧 family"];
    let all = names.iter().enumerate().map(|(n, name)| instance(&format!("i-{n:017}"), name)).collect();
    let mut state = picker(all, Settings::default());
    for c in "本".chars() {
        state.handle(Key::Char(c));
    }
    let (lines, buffer, _) = screen(&mut state, 80, 24);
    assert!(lines[2].starts_with("> 日 本 語 サ ー バ ー   i-00000000000000000  online"), "{}", lines[2]);
    assert!(
        buffer[(4, 2)].modifier.contains(Modifier::UNDERLINED)
            && !buffer[(2, 2)].modifier.contains(Modifier::UNDERLINED)
    );
    state.handle(Key::Backspace);
    let (lines, ..) = screen(&mut state, 80, 24);
    assert!(lines.iter().any(|line| line.contains("web\\u{1b}[2J")), "{lines:#?}");
    let ids: Vec<usize> = (2..6)
        .map(|y| (0..80).find(|x| screen(&mut state, 80, 24).1[(*x, y)].symbol() == "i").unwrap().into())
        .collect();
    assert!(ids.iter().all(|x| *x == ids[0] || lines[2..6].iter().any(|line| line.contains("family"))), "{ids:?}");
}

#[test]
fn a_long_query_is_shown_where_the_cursor_is() {
    let mut state = picker(fleet(3), Settings { query: "x".repeat(200) + "end", ..Settings::default() });
    let (lines, _, cursor) = screen(&mut state, 40, 10);
    assert!(lines[0].contains("xxend") && lines[0].ends_with("0/3"), "{}", lines[0]);
    assert!(cursor.x < 36 && cursor.x > 20, "{cursor:?}");
    let mut state = picker(fleet(3), Settings { title: "2 are named web".into(), ..Settings::default() });
    assert!(screen(&mut state, 80, 24).0[0].starts_with(">  2 are named web"));
}

#[test]
fn without_a_name_or_room_for_the_id_the_id_stands_for_the_name() {
    let mut state = picker(vec![instance("i-0123456789abcdef0", "")], Settings::default());
    assert_eq!(screen(&mut state, 30, 10).0[2], "> i-0123456789abcdef0  online");
    assert_eq!(screen(&mut state, 24, 10).0[2], "> i-0123456789a…  online");
}
