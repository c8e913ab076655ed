use anstyle::AnsiColor;

use super::*;

fn table() -> Table {
    let head = |title: &str, rank, least| Head { title: title.to_owned(), rank, least };
    let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
    Table {
        heads: vec![head("name", 0, Some(8)), head("id", 1, None), head("status", 2, None), head("zone", 3, None)],
        rows: vec![
            row(["web-1", "i-0123abcd", "online", "eu-west-1a"]),
            row(["a-name-that-is-quite-long", "i-0123abce", "stopped", "-"]),
            row(["日本語", "i-0123abcf", "online", "eu-west-1b"]),
        ],
    }
}

fn plain(width: Option<usize>) -> Drawn {
    table().draw(width, None)
}

#[test]
fn it_is_as_wide_as_it_wants_where_there_is_room() {
    let expected = "\
NAME                       ID          STATUS   ZONE
web-1                      i-0123abcd  online   eu-west-1a
a-name-that-is-quite-long  i-0123abce  stopped  -
日本語                     i-0123abcf  online   eu-west-1b
";
    assert_eq!(plain(None), Drawn { text: expected.to_owned(), left_out: Vec::new() });
    assert_eq!(plain(Some(58)), plain(None));
}

#[test]
fn names_are_shortened_first_and_then_columns_go() {
    let expected = "\
NAME          ID          STATUS   ZONE
web-1         i-0123abcd  online   eu-west-1a
a-name-that…  i-0123abce  stopped  -
日本語        i-0123abcf  online   eu-west-1b
";
    assert_eq!(plain(Some(45)).text, expected);
    let narrow = plain(Some(40));
    assert_eq!(narrow.left_out, ["zone"]);
    assert!(narrow.text.contains("a-name-that-is-qui…"), "{}", narrow.text);
    assert_eq!(plain(Some(20)).left_out, ["status", "zone"]);
    assert_eq!(plain(Some(5)).text, "NAME\nweb-1\na-na…\n日本…\n");
    assert_eq!(plain(Some(6)).text, "NAME\nweb-1\na-nam…\n日本語\n");
    for width in 1..70 {
        let drawn = plain(Some(width));
        assert!(drawn.text.lines().all(|line| line.width() <= width), "{width}:\n{}", drawn.text);
        assert_eq!(drawn.text.lines().count(), 4, "{width}");
    }
}

#[test]
fn styles_are_around_the_words_alone() {
    let green = AnsiColor::Green.on_default();
    let paint = |column, text: &str| if column == 2 && text == "online" { green } else { Style::new() };
    let text = table().draw(Some(45), Some(&paint)).text;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[1], "web-1         i-0123abcd  \u{1b}[32monline\u{1b}[0m   eu-west-1a");
    assert_eq!(lines[2], "a-name-that…  i-0123abce  stopped  -");
    assert!(lines[3].starts_with("日本語        i-0123abcf  \u{1b}[32monline\u{1b}[0m"), "{}", lines[3]);
    assert!(lines[0].starts_with("\u{1b}[1mNAME\u{1b}[0m "), "{}", lines[0]);
}

#[test]
fn nothing_is_a_line_of_titles() {
    let empty = Table { rows: Vec::new(), ..table() };
    assert_eq!(empty.draw(Some(80), None).text, "NAME  ID  STATUS  ZONE\n");
}
