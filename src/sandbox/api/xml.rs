//! Writes XML, for the services that answer in it.

use quick_xml::escape::escape;

/// A document under construction.
#[derive(Debug)]
pub(crate) struct Xml(String);

impl Xml {
    pub(crate) fn document() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    pub(crate) fn open(&mut self, name: &str) -> &mut Self {
        self.0.extend(["<", name, ">"]);
        self
    }

    /// Opens an element in a name space.
    pub(crate) fn open_as(&mut self, name: &str, space: &str) -> &mut Self {
        self.0.extend(["<", name, " xmlns=\"", space, "\">"]);
        self
    }

    pub(crate) fn close(&mut self, name: &str) -> &mut Self {
        self.0.extend(["</", name, ">"]);
        self
    }

    /// An element that holds nothing but text.
    pub(crate) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.open(name);
        self.0.push_str(&escape(text));
        self.close(name)
    }

    /// An element with text, where there is any.
    pub(crate) fn text_if(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        if let Some(text) = text {
            self.text(name, text);
        }
        self
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_text() {
        let mut xml = Xml::document();
        xml.open("a").text("b", "<&>\"'").text_if("c", None).close("a");
        assert!(xml.finish().ends_with("<a><b>&lt;&amp;&gt;&quot;&apos;</b></a>"));
    }
}
