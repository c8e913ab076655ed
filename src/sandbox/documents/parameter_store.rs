//! The account's Parameter Store, as far as an agent reads it: it replaces `{{ssm:NAME}}` in a document whose own
//! parameters are filled in already, so in whatever a client has sent for these.

/// Parameters that every sandbox has: name, type, value.
const PARAMETERS: [(&str, &str, &str); 3] = [
    ("/prod/db/user", "String", "app"),
    // What would break out of quotes that a client has put around the reference.
    ("/prod/db/password", "String", "hunter2'; echo injected; '"),
    ("/prod/db/key", "SecureString", "never to be shown"),
];

/// Why the agent runs nothing. The texts are those of the real one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParameterStoreError {
    #[error("Input contains invalid parameters [{0}]")]
    Unknown(String),
    #[error("Parameters [{0}] of type SecureString are not supported")]
    Secure(String),
}

/// Replaces each `{{ ssm:NAME }}` by the value of the parameter; values are not searched again. The real agent looks for
/// `\{\{ *ssm:[/\w.:-]+ *\}\}`.
pub(crate) fn resolve(text: &str) -> Result<String, ParameterStoreError> {
    let mut resolved = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let (before, from) = rest.split_at(at);
        resolved.push_str(before);
        match reference(from) {
            Some((name, after)) => {
                resolved.push_str(value(name)?);
                rest = after;
            }
            // The second brace may begin the next one.
            None => {
                resolved.push('{');
                rest = &from[1..];
            }
        }
    }
    Ok(resolved + rest)
}

/// The name in the reference that a text begins with, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("{{")?.trim_start_matches(' ').strip_prefix("ssm:")?;
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "/_.:-".contains(c)))?;
    let (name, rest) = text.split_at(end);
    let after = rest.trim_start_matches(' ').strip_prefix("}}")?;
    Some((name, after)).filter(|_| !name.is_empty())
}

fn value(name: &str) -> Result<&'static str, ParameterStoreError> {
    match PARAMETERS.iter().find(|(known, ..)| *known == name) {
        Some((_, "String", value)) => Ok(value),
        Some(_) => Err(ParameterStoreError::Secure(name.to_owned())),
        None => Err(ParameterStoreError::Unknown(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_wherever_they_stand() {
        assert_eq!(resolve("a{{ssm:/prod/db/user}}b {{  ssm:/prod/db/user }}").unwrap(), "aappb app");
        assert_eq!(resolve("{{{ssm:/prod/db/user}}}").unwrap(), "{app}");
        for plain in ["", "{{", "{{ssm:}}", "{{ssm:a b}}", "{'{'ssm:/prod/db/user}}", "{{ command }}", "{{ssm:x}"] {
            assert_eq!(resolve(plain).unwrap(), plain);
        }
        assert_eq!(resolve("{{ssm:nope}}"), Err(ParameterStoreError::Unknown("nope".to_owned())));
        assert_eq!(resolve("{{ssm:/prod/db/key}}"), Err(ParameterStoreError::Secure("/prod/db/key".to_owned())));
    }
}
