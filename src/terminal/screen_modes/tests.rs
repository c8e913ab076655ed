use proptest::prelude::*;

use super::*;

fn after(output: &[u8]) -> ScreenModes {
    let mut modes = ScreenModes::new();
    modes.track(output);
    modes
}

#[test]
fn text_and_colours_that_end_owe_nothing() {
    assert_eq!(after(b"plain \x1b[1;31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x1b[10;5H").undo(), b"");
    assert_eq!(after("žluťoučký ⌘".as_bytes()).undo(), b"");
}

#[test]
fn an_editor_cut_off_is_undone() {
    let modes = after(b"\x1b[?1049h\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002;1006h\x1b[?25l\x1b[1;24r");
    assert_eq!(
        modes.undo(),
        b"\x1b[?1002l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b[r\x1b[?1049l\x1b>\x1b[?25h",
        "{:?}",
        String::from_utf8_lossy(&modes.undo())
    );
}

#[test]
fn an_editor_that_said_goodbye_owes_nothing() {
    let modes = after(
        b"\x1b[?1049h\x1b[?1h\x1b=\x1b[?25l\x1b[>5u\x1b[>4;2m\x1b[31m\
              \x1b[m\x1b[>4;0m\x1b[<u\x1b[?25h\x1b>\x1b[?1l\x1b[?1049l",
    );
    assert_eq!(modes.undo(), b"");
}

#[test]
fn keyboard_enhancements_are_undone_on_each_screen() {
    assert_eq!(after(b"\x1b[>1u\x1b[?1049h\x1b[>31u").undo(), b"\x1b[<1u\x1b[?1049l\x1b[<1u");
    assert_eq!(after(b"\x1b[=5;1u").undo(), b"\x1b[=0;1u");
    assert_eq!(after(b"\x1b[>4;1m").undo(), b"\x1b[>4m");
    assert_eq!(after(b"\x1b[>1u\x1b[<5u").undo(), b"");
    // What the shell of this machine has pushed stays.
    assert_eq!(after(b"\x1b[?1049h\x1b[>1u\x1b[?1049l").undo(), b"");
}

/// What a mode is undone with, alone.
fn undone(output: &str) -> String {
    let mut modes = after(output.as_bytes());
    let undo = modes.undo();
    modes.track(&undo);
    assert_eq!(modes.undo(), b"", "{output:?} is not undone");
    String::from_utf8(undo).unwrap()
}

#[test]
fn every_mode_is_undone_and_comes_back() {
    for (output, undo, again) in [
        // Reports of the mouse, of the focus, of colour schemes, of the size; pastes; keys as Windows has them.
        ("\x1b[?9;1000;1001;1002;1003h", "\x1b[?1000l\x1b[?1001l\x1b[?1002l\x1b[?1003l\x1b[?9l", ""),
        ("\x1b[?1005;1006;1015;1016h", "\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l", ""),
        ("\x1b[?1004h\x1b[?2031h\x1b[?2048h", "\x1b[?1004l\x1b[?2031l\x1b[?2048l", ""),
        ("\x1b[?2004h\x1b[?5522h\x1b[?9001h", "\x1b[?9001l\x1b[?2004l\x1b[?5522l", ""),
        // Output that is withheld; graphemes; keys; reverse video; margins; columns.
        ("\x1b[?2026h", "\x1b[?2026l", "\x1b[?2026h"),
        ("\x1b[?2027h", "\x1b[?2027l", "\x1b[?2027h"),
        ("\x1b[?1;66;67h", "\x1b[?1l\x1b[?66l\x1b[?67l", ""),
        ("\x1b[?5h", "\x1b[?5l", "\x1b[?5h"),
        ("\x1b[?69h\x1b[5;70s", "\x1b[?69l", "\x1b[?69h"),
        ("\x1b[?40h\x1b[?3h", "\x1b[?3l\x1b[?40l", "\x1b[?40h\x1b[?3h"),
        // Wrapping, repeating keys, the cursor and its shape.
        ("\x1b[?7l", "\x1b[?7h", "\x1b[?7l"),
        ("\x1b[?8l\x1b[?25l", "\x1b[?8h\x1b[?25h", "\x1b[?25l\x1b[?8l"),
        ("\x1b[4 q", "\x1b[0 q", "\x1b[4 q"),
        // A locked keyboard, inserting, no local echo, line feeds.
        ("\x1b[2h\x1b[4h\x1b[12l\x1b[20h", "\x1b[2l\x1b[4l\x1b[12h\x1b[20l", "\x1b[20h\x1b[12l\x1b[4h\x1b[2h"),
        // The scrolling region, and origin mode, on either screen.
        ("\x1b[2;10r", "\x1b7\x1b[r\x1b8", "\x1b7\x1b[2;10r\x1b8"),
        ("\x1b[2;10r\x1b[?6h", "\x1b[?6l\x1b[r\x1b[999;1H", "\x1b[2;10r\x1b[?6h"),
        ("\x1b[?1047h\x1b[3r\x1b[?6h", "\x1b[?6l\x1b[r\x1b[?1047l", "\x1b[?1047h\x1b[3;0r\x1b[?6h"),
        ("\x1b[?47h", "\x1b[?47l", "\x1b[?47h"),
        // Keys: the pad, the kitty protocol, modifyOtherKeys and its kin.
        ("\x1b=", "\x1b>", "\x1b="),
        ("\x1b[=1u\x1b[>5u\x1b[=2;2u", "\x1b[<1u\x1b[=0;1u", "\x1b[=1;1u\x1b[>7u"),
        ("\x1b[>1;3m\x1b[>4;2m", "\x1b[>1m\x1b[>4m", "\x1b[>4;2m\x1b[>1;3m"),
        // Character sets.
        ("\x1b(0", "\x1b(B", "\x1b(0"),
        ("\x1b)0\x0e", "\x0f\x1b)B", "\x1b)0\x0e"),
        ("\x1b*A\x1bn", "\x0f\x1b*B", "\x1b*A\x1bn"),
        ("\x1b%@", "\x1b%G", "\x1b%@"),
        ("\x1b G", "\x1b F", "\x1b G"),
        // A VT52, a printer, the status line, tabs.
        ("\x1b[?2l", "\x1b<", "\x1b[?2l"),
        ("\x1b[5i\x1b[?5i", "\x1b[4i\x1b[?4i", "\x1b[?5i\x1b[5i"),
        ("\x1b[1$}", "\x1b[0$}", "\x1b[1$}"),
        ("\x1b[3g\x1bH", "\x1b[?5W", ""),
        // The title that was kept for us, colours, a link, the pointer, a progress bar.
        ("\x1b[22;0;0t\x1b[22;2t", "\x1b[23;0t\x1b[23;0t", ""),
        ("\x1b]4;1;#ff0000\x07", "\x1b]104\x1b\\", ""),
        ("\x1b]10;red;blue\x1b\\\x1b]12;red\x07", "\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\", ""),
        (
            "\x1b]21;foreground=red\x1b\\",
            "\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\\x1b]117\x1b\\\x1b]119\x1b\\",
            "",
        ),
        ("\x1b]8;;http://x/\x1b\\text", "\x1b]8;;\x1b\\", ""),
        ("\x1b]22;wait\x1b\\", "\x1b]22;\x1b\\", ""),
        ("\x1b]9;4;1;50\x1b\\", "\x1b]9;4;0\x1b\\", ""),
        ("\x1b[1;38;5;0m\x1b[38;2;0;0;0;4:3m", "\x1b[m", ""),
        // Sequences without an end.
        ("\x1b]0;a title", "\x18\x1b\\", ""),
        ("\x1bPq#0", "\x18\x1b\\", ""),
        ("\x1b[3", "\x18\x1b\\", ""),
    ] {
        assert_eq!(undone(output), undo, "{output:?}");
        let redo = after(output.as_bytes()).redo();
        assert!(again.is_empty() || redo == again.as_bytes(), "{output:?} {:?}", String::from_utf8_lossy(&redo));
    }
}

#[test]
fn what_programs_undo_themselves_owes_nothing() {
    for output in [
        "\x1b[?1001s\x1b[?1000;1001h\x1b[?1000l\x1b[?1001r",
        "\x1b[?7l\x1b[?7h\x1b[4h\x1b[4l\x1b[?6h\x1b[?6l",
        "\x1b[2;10r\x1b[r",
        "\x1b[2;10r\x1b[1;24r",
        "\x1b[4 q\x1b[0 q",
        "\x1b[4 q\x1b[ q",
        "\x1b)0\x0e\x0f\x1b)B",
        "\x1b(0lqk\x1b(B",
        "\x1b]11;?\x07",
        "\x1b]4;1;?\x07",
        "\x1b]4;1;red\x07\x1b]104\x07",
        "\x1b]11;red\x07\x1b]111\x07",
        "\x1b]8;;http://x/\x07x\x1b]8;;\x07",
        "\x1b[22;0;0t\x1b[23;0;0t",
        "\x1b[?1049h\x1b[?1047l",
        "\x1b[?u\x1b[c\x1b[>c\x1b[>q\x1b[?25$p\x1b[6n\x1b[18t\x1b[s\x1b[u",
        "\x1b[01;32mroot\x1b[00m:\x1b[01;34m~\x1b[00m$ ",
        "\x1b[7mx\x1b[0;39m\x1b[27;49m",
        "\x1bP$qm\x1b\\\x1b_Ga=q\x1b\\",
        "\x1b]0;title\x1b\\",
        "\x1bPtmux;\x1b\x1b[?25l\x1b\\\x1b[?25h",
        "\x1b]P0123456text\x1b]R",
        "\x1b[?12h\x1b[?12l\x1b[?1007h",
    ] {
        let mut modes = ScreenModes::new();
        modes.set_rows(Some(24));
        modes.track(output.as_bytes());
        assert_eq!(String::from_utf8(modes.undo()).unwrap(), "", "{output:?}");
    }
}

#[test]
fn only_what_reports_costs_what_was_typed_ahead() {
    for output in ["\x1b[?1000h", "\x1b[?1004h", "\x1b[?2048h", "\x1b[>1u", "\x1b[>4;2m", "\x1b[?9001h"] {
        assert!(after(output.as_bytes()).has_reported(), "{output:?}");
    }
    for output in ["\x1b[1m", "\x1b[2;10r", "\x1b[4 q", "\x1b[?25l", "\x1b[?1049h", "\x1b[?2004h"] {
        assert!(!after(output.as_bytes()).has_reported(), "{output:?}");
    }
}

#[test]
fn resets_of_the_remote_side_count() {
    assert_eq!(after(b"\x1b[?1049h\x1b[?25l\x1b(0\x1b[7m\x1b[2;3r\x1b[4 q\x1bc").undo(), b"");
    assert_eq!(after(b"\x1b[?25l\x1b[?1h\x1b=\x1b(0\x1b[7m\x1b[4h\x1b[?6h\x1b[2;3r\x1b[?69h\x1b[!p").undo(), b"");
    assert_eq!(after(b"\x1b[?1000h\x1b[!p").undo(), b"\x1b[?1000l");
}

#[test]
fn modes_come_back_after_a_suspension() {
    assert_eq!(after(b"\x1b[?1049h\x1b[?1h\x1b[?2004h\x1b[?25l").redo(), b"\x1b[?25l\x1b[?1049h\x1b[?1h\x1b[?2004h");
}

#[test]
fn oversized_and_aborted_sequences_change_nothing() {
    let long = [b"\x1b[?".as_slice(), &[b'1'; 100], b"h\x1b[?1049\x18h\x1b]8;;x\x18\x1b[?25\x1a"].concat();
    assert_eq!(after(&long).undo(), b"");
    assert_eq!(after(b"\x1b[?99999999999h").undo(), b"");
    let long = [b"\x1b]8;;".as_slice(), &[b'x'; 5000], b"\x1b\\"].concat();
    assert_eq!(after(&long).undo(), b"\x1b]8;;\x1b\\");
}

proptest! {
    #[test]
    fn how_output_is_split_makes_no_difference(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just(b"\x1b[?1049h".to_vec()), Just(b"\x1b[?25l".to_vec()), Just(b"\x1b[?1000;1006h".to_vec()),
                Just(b"\x1b[?1000l".to_vec()), Just(b"\x1b(0".to_vec()), Just(b"\x1b[>1u".to_vec()),
                Just(b"\x1b]11;red\x1b\\".to_vec()), Just(b"\x1bP1;2".to_vec()), Just(b"\x1b[2;5r\x1b[?6h".to_vec()),
                Just(b"\x1b]8;;http://x\x07".to_vec()), Just(b"\x0e".to_vec()), Just(b"\x1b[?2l".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..20),
            ],
            0..20,
        ),
        cuts in proptest::collection::vec(1usize..7, 1..50),
    ) {
        let output = pieces.concat();
        let mut split = ScreenModes::new();
        let mut rest = output.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break }
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            split.track(head);
            rest = tail;
        }
        prop_assert_eq!(split.undo(), after(&output).undo());
    }

    #[test]
    fn undoing_leaves_nothing_to_undo(output in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut modes = after(&output);
        let undo = modes.undo();
        modes.track(&undo);
        prop_assert_eq!(modes.undo(), b"");
    }
}
