//! Reports what keeps a listing from being complete: each trouble once, be it in one region or in all of them.

use std::collections::HashSet;

use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::fleet::{Place, Trouble};

/// Whether the list lacks more than what the person may not see.
pub(crate) fn is_serious(troubles: &[Trouble]) -> bool {
    let denied: Vec<_> = troubles.iter().filter(|trouble| trouble.is_lasting()).map(|trouble| &trouble.place).collect();
    // A place where neither service may be asked is not listed at all.
    let alone = denied.iter().collect::<HashSet<_>>().len() == denied.len();
    !alone || troubles.len() > denied.len()
}

/// What failed, if none of the places has answered anything.
pub(crate) fn nothing_answered(troubles: &[Trouble], places: usize) -> Option<CliError> {
    let silent = |place: &Place| troubles.iter().filter(|one| one.place == *place && !one.partial).count() == 2;
    let places_silent: HashSet<_> =
        troubles.iter().map(|trouble| &trouble.place).filter(|place| silent(place)).collect();
    let first = troubles.first().filter(|_| places_silent.len() == places)?;
    let failure = CliError::new(first.kind.into(), &first.message);
    Some(first.hints.iter().fold(failure, |failure, hint| failure.hint(hint)))
}

/// Warns of all troubles; those of one kind in one sentence.
pub(crate) fn report(ui: &Ui, troubles: &[Trouble]) {
    let is_same = |one: &Trouble, other: &Trouble| {
        (one.service, one.partial, one.kind) == (other.service, other.partial, other.kind)
    };
    let mut reported: Vec<&Trouble> = Vec::new();
    for trouble in troubles {
        if reported.iter().any(|one| is_same(one, trouble)) {
            continue;
        }
        reported.push(trouble);
        let same: Vec<_> = troubles.iter().filter(|one| is_same(one, trouble)).collect();
        ui.warning(format!("{}: {}: {}", places(&same), trouble.missing(), trouble.message));
        for hint in &trouble.hints {
            ui.hint(hint);
        }
    }
}

fn places(troubles: &[&Trouble]) -> String {
    let names = troubles.iter().take(PLACES_SHOWN).map(|trouble| trouble.place.to_string());
    let names = names.collect::<Vec<_>>().join(", ");
    match troubles.len().checked_sub(PLACES_SHOWN) {
        None | Some(0) => names,
        Some(more) => format!("{names} and {more} more"),
    }
}

/// Places that a warning names.
const PLACES_SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ErrorKind;
    use crate::fleet::Service;

    fn trouble(region: &str, service: Service, partial: bool, kind: ErrorKind) -> Trouble {
        let place = Place { profile: None, region: region.to_owned() };
        Trouble { place, service, partial, kind, message: "no".to_owned(), hints: vec!["ask".to_owned()], output: None }
    }

    #[test]
    fn what_a_person_may_not_see_is_no_failure_unless_it_is_everything() {
        let ec2 = trouble("a", Service::Ec2, false, ErrorKind::Permission);
        let ssm = trouble("a", Service::SystemsManager, false, ErrorKind::Permission);
        let elsewhere = trouble("b", Service::Ec2, false, ErrorKind::Permission);
        assert!(!is_serious(&[]) && !is_serious(&[ec2.clone(), elsewhere.clone()]));
        assert!(is_serious(&[ec2.clone(), ssm.clone()]));
        assert!(is_serious(&[trouble("a", Service::Ec2, true, ErrorKind::Permission)]));
        assert!(is_serious(&[trouble("a", Service::Ec2, false, ErrorKind::Network)]));

        assert!(nothing_answered(&[], 1).is_none() && nothing_answered(std::slice::from_ref(&ec2), 1).is_none());
        assert!(nothing_answered(&[ec2.clone(), ssm.clone()], 2).is_none());
        assert!(nothing_answered(&[ec2, ssm, elsewhere], 1).is_some());
    }

    #[test]
    fn many_places_are_counted() {
        let all: Vec<_> = (0..7).map(|n| trouble(&n.to_string(), Service::Ec2, false, ErrorKind::Permission)).collect();
        assert_eq!(places(&all.iter().collect::<Vec<_>>()), "0, 1, 2, 3, 4 and 2 more");
        assert_eq!(places(&[&all[0]]), "0");
    }
}
