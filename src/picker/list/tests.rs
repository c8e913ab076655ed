use super::*;
use crate::fleet::{InstanceState, TargetState};
use crate::testing::{fleet, instance};

fn ids(list: &mut List) -> Vec<String> {
    let shown = list.shown().to_vec();
    shown.iter().map(|at| list.rows()[*at as usize].instance.id.clone()).collect()
}

fn list(instances: &[(&str, &str, TargetState)], recent: &[&str]) -> List {
    let recent: Vec<String> = recent.iter().map(|id| (*id).to_owned()).collect();
    let mut list = List::new(&recent);
    list.add(instances.iter().map(|(id, name, status)| Instance { status: *status, ..instance(id, name) }).collect());
    list
}

#[test]
fn what_can_be_reached_comes_first_then_what_was_used_lately_then_the_name() {
    use TargetState::{Down, Offline, Online, Running};
    let all = [
        ("i-1", "b", Down(InstanceState::Stopped)),
        ("i-2", "d", Online),
        ("i-3", "c", Online),
        ("i-4", "a", Running),
        ("i-5", "a", Offline),
        ("i-6", "", Online),
        ("i-7", "e", Online),
    ];
    assert_eq!(ids(&mut list(&all, &["i-7", "i-5", "i-2", "i-7"])), ["i-7", "i-2", "i-3", "i-6", "i-4", "i-5", "i-1"]);
}

#[test]
fn numbers_in_names_are_ordered_by_value() {
    let mut names = ["web-10", "Web-9", "db", "web-09a", "web", "web-9b"];
    names.sort_by_key(|name| natural(name));
    assert_eq!(names, ["db", "web", "Web-9", "web-09a", "web-9b", "web-10"]);
}

#[test]
fn a_better_match_comes_before_one_that_is_reachable() {
    use TargetState::{Offline, Online};
    let all = [
        ("i-1", "web", Offline),
        ("i-2", "old-web-1", Offline),
        ("i-3", "web-2", Online),
        ("i-4", "my-web", Online),
        ("i-5", "w-e-b", Online),
    ];
    let mut list = list(&all, &["i-4", "i-5"]);
    list.search(Query::parse("web", true));
    assert_eq!(ids(&mut list), ["i-1", "i-4", "i-3", "i-2", "i-5"]);
}

#[test]
fn a_narrower_query_finds_what_a_look_through_everything_finds() {
    let mut step_by_step = List::new(&[]);
    step_by_step.add(fleet(600));
    for typed in
        ["p", "pr", "prod", "prod ", "prod o", "prod ord", "prod ord !9", "prod ord !99", "prod", "prdw", "env=d"]
    {
        let query = Query::parse(typed, true);
        step_by_step.search(query.clone());
        let mut at_once = List::new(&[]);
        at_once.search(query);
        at_once.add(fleet(600));
        assert_eq!(ids(&mut step_by_step), ids(&mut at_once), "{typed}");
        assert!(!ids(&mut at_once).is_empty(), "{typed}");
    }
}

#[test]
fn a_row_that_comes_again_is_replaced_and_what_is_gone_goes() {
    use TargetState::{Online, Unknown};
    let mut list = list(&[("i-1", "a", Unknown), ("i-2", "b", Unknown), ("i-3", "c", Unknown)], &[]);
    assert_eq!(ids(&mut list), ["i-1", "i-2", "i-3"]);
    list.row_mut(2).marked = true;
    list.start_look();
    list.add(vec![Instance { status: Online, ..instance("i-3", "c") }]);
    assert_eq!(ids(&mut list), ["i-3", "i-1", "i-2"]);
    assert!(list.rows()[2].marked);
    list.add(vec![instance("i-1", "z")]);
    assert_eq!(list.remove_unseen(Some(2)), Some(1));
    assert_eq!(ids(&mut list), ["i-3", "i-1"]);
    assert_eq!(list.remove_unseen(Some(1)), Some(1));
    let gone = [(instance("i-1", "").place, "i-1".to_owned()), (Place::default(), "i-3".to_owned())];
    assert_eq!(list.remove(&gone, Some(1)), Some(0));
    assert_eq!(ids(&mut list), ["i-3"]);
    list.start_look();
    assert_eq!(list.remove_unseen(Some(0)), None);
    assert!(ids(&mut list).is_empty());
}

#[test]
fn one_id_in_two_places_is_two_rows() {
    let mut list = list(&[("i-1", "a", TargetState::Online)], &[]);
    let elsewhere = Place { profile: Some("other".into()), region: "eu-west-1".into() };
    list.add(vec![Instance { place: elsewhere, ..instance("i-1", "a") }]);
    assert_eq!(list.shown().len(), 2);
}

#[test]
fn there_is_a_limit_to_it() {
    let mut list = List { most: 10, ..List::new(&[]) };
    list.add(fleet(12));
    list.add(fleet(3));
    assert_eq!((list.rows().len(), list.left_out), (10, 2));
}
