use super::*;

fn spec(text: &str) -> TargetSpec {
    text.parse().unwrap()
}

#[test]
fn every_form_is_told_by_its_looks() {
    for id in ["i-0123abcd", "i-0123456789abcdef0", "mi-0123456789abcdef0", "ecs:c_t_r"] {
        assert_eq!(spec(id), TargetSpec::Id(id.to_owned()));
    }
    for name in ["web", "i-web", "i-0123ABCD", "mi-0123abcd", "ecs:", "i-0123456789abcdef01", "=x", "10.0.0", "a.b"] {
        assert_eq!(spec(name), TargetSpec::Name(name.to_owned()));
    }
    let looks = |text| match spec(text) {
        TargetSpec::Typed(typed, looks) if typed == text => *looks,
        other => panic!("{other:?}"),
    };
    assert_eq!(looks("10.0.0.11"), TargetSpec::Address(Ipv4Addr::new(10, 0, 0, 11)));
    assert!(matches!(looks("Role=web,Env=p*"), TargetSpec::Tags(tags) if tags.len() == 2));
    assert!(matches!("".parse::<TargetSpec>(), Err(FleetError::Empty)));
    for text in ["web", "Role=web,Env=p*", "10.0.0.11", "i-0123abcd"] {
        assert_eq!(spec(text).to_string(), text);
    }
}

#[test]
fn dns_names_have_a_domain() {
    for good in ["ip-10-0-0-5.ec2.internal", "host.corp", "host.corp."] {
        assert!(TargetSpec::is_dns_name(good), "{good}");
    }
    for bad in ["web", "web.", ".x", "a b.c", "ä.b", "a.b.."] {
        assert!(!TargetSpec::is_dns_name(bad), "{bad}");
    }
}

#[test]
fn an_instance_is_meant_exactly_or_in_part() {
    let mut db = Instance::unknown("i-0123abcd", Default::default());
    db.name = Some("Orders DB".to_owned());
    db.private_ip = Some("10.0.0.5".to_owned());
    db.private_dns = Some("ip-10-0-0-5.ec2.internal".to_owned());
    db.computer_name = Some("EC2AMAZ-1".to_owned());
    for text in
        ["Orders DB", "10.0.0.5", "IP-10-0-0-5.ec2.internal", "ip-10-0-0-5.ec2.internal.", "ip-10-0-0-5", "i-0123abcd"]
    {
        assert!(spec(text).is_exactly(&db), "{text}");
    }
    for text in ["orders db", "db", "10.0.0.50", "Orders", "ip-10-0-0", "ip-10-0-0-5.ec2", ".", "ec2.internal"] {
        assert!(!spec(text).is_exactly(&db), "{text}");
    }
    assert!(spec("ec2amaz-1").is_computer(&db) && !spec("ec2amaz-1").is_exactly(&db));
    for name in ["Orders DB", "10.0.0.9", "Role=web"] {
        db.name = Some(name.to_owned());
        assert!(spec(name).is_named(&db) && spec(name).is_exactly(&db), "{name}");
    }
    db.name = Some("Orders DB".to_owned());
    assert!(spec("orders").is_part_of(&db) && spec("s db").is_part_of(&db) && !spec("0.5").is_part_of(&db));
}
