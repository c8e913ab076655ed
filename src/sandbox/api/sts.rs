//! STS: who the caller is.

use super::call::Call;
use super::xml::Xml;
use crate::sandbox::ids::{ACCOUNT, USER};

/// `GetCallerIdentity`
pub(crate) fn caller_identity(call: &Call<'_>) -> String {
    let mut xml = Xml::document();
    xml.open_as("GetCallerIdentityResponse", "https://sts.amazonaws.com/doc/2011-06-15/");
    xml.open("GetCallerIdentityResult").text("Arn", &call.account.caller_arn());
    xml.text("UserId", &format!("AROASSMXSANDBOX234567:{USER}")).text("Account", ACCOUNT);
    xml.close("GetCallerIdentityResult").open("ResponseMetadata").text("RequestId", call.request_id);
    xml.close("ResponseMetadata").close("GetCallerIdentityResponse");
    xml.finish()
}
