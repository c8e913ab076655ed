//! The texts of documents, in which `{{ name }}` stands for a parameter.

use std::collections::BTreeMap;

/// Replaces `{{ name }}` by the value of that parameter, in one pass: values are not searched again.
///
/// Where more than the placeholder stands in the template, `$` in a value is expanded as Go's `ReplaceAllString` does it:
/// `$1`, `$name` and `${name}` are nothing, `${0}` is the placeholder, `$$` is a `$`. So did real agents for years; newer
/// ones make only the `$` of `$$`.
pub(super) fn fill(template: &str, values: &BTreeMap<&str, String>) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let known = after.split_once("}}").and_then(|(name, after)| Some((name, values.get(name.trim())?, after)));
        match known {
            Some((name, value, after)) => {
                let placeholder = format!("{{{{{name}}}}}");
                if placeholder == template {
                    filled.push_str(value);
                } else {
                    expand(&mut filled, value, &placeholder);
                }
                rest = after;
            }
            None => {
                filled.push_str("{{");
                rest = after;
            }
        }
    }
    filled + rest
}

fn expand(filled: &mut String, value: &str, placeholder: &str) {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let plain = after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len()));
        let (name, then) = match braced {
            Some((name, then)) if !name.is_empty() && name.chars().all(is_name) => (name, then),
            _ => plain,
        };
        if let Some(then) = after.strip_prefix('$') {
            filled.push('$');
            rest = then;
        } else if name.is_empty() {
            filled.push('$');
            rest = after;
        } else {
            filled.push_str(if name == "0" { placeholder } else { "" });
            rest = then;
        }
    }
    filled.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_expanded_only_amid_other_text() {
        let value = "$1 ${x} $HOME $$ ${0} $' $".to_owned();
        let values = BTreeMap::from([("command", value.clone())]);
        assert_eq!(fill("{{ command }}", &values), value);
        assert_eq!(fill("cd /srv; {{ command }}", &values), "cd /srv;    $ {{ command }} $' $");
    }
}
