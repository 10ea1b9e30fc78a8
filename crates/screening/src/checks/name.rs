//! The app's name: what people read on the consent page, and what a false app would imitate.

use crate::evidence::{Evidence, NameEvidence};
use crate::lookalike::{self, Brand, Likeness, Resemblance};
use crate::report::{Check, Field, Finding, Severity};
use crate::screener::Screener;

/// Judges an app's name.
#[must_use]
pub fn app_name(name: &str, app_id: Option<&str>, screener: &Screener) -> Finding {
    let brand = &screener.config().brand;
    let (field, check) = (Field::Name, Check::AppName);
    let folded = lookalike::fold(name);
    let invisible = name.chars().any(lookalike::is_invisible);
    let known = screener.known_apps();
    let resembles = imitated_brand(name, brand).or_else(|| {
        let app = known.with_name_like(name, app_id)?;
        Some(Resemblance { to: app.name.clone(), likeness: Likeness::ReadsLike })
    });
    let finding = if invisible {
        let sentence = "The name contains invisible characters or ones that turn the direction of writing.";
        Finding::new(field, check, name, Severity::Invalid, sentence, "Type the name again by hand.")
    } else {
        match reasons(name, brand, resembles.as_ref()).as_slice() {
            [] => Finding::passed(field, check, name, "The name does not read like another known one."),
            reasons => {
                let mend = mend(brand);
                Finding::new(field, check, name, Severity::Suspicious, reasons.join(" "), mend)
            }
        }
    };
    finding.with(Evidence::Name(NameEvidence { folded, resembles }))
}

fn reasons(name: &str, brand: &Brand, resembles: Option<&Resemblance>) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(word) =
        name.split_whitespace().find(|word| lookalike::mixes_scripts(word) || lookalike::reads_as_latin(word))
    {
        reasons.push(format!("'{word}' is written in letters of another script that look like plain ones."));
    }
    if let Some(resemblance) = resembles {
        reasons.push(super::host::told(name, resemblance));
    }
    if let Some(claim) = brand.claim_in(name) {
        reasons.push(format!("The word '{claim}' sounds as if the operator of this platform spoke."));
    }
    reasons
}

/// The brand word in the name, but for the honest form 'Something for JioMeet', spelled as it is.
fn imitated_brand(name: &str, brand: &Brand) -> Option<Resemblance> {
    let honest = brand.words.iter().find_map(|word| name.strip_suffix(word.as_str())?.strip_suffix(" for "));
    brand.imitated_in(honest.filter(|rest| !rest.trim().is_empty()).unwrap_or(name))
}

fn mend(brand: &Brand) -> String {
    let example = brand.words.first().map(|word| format!(" 'Your name for {word}' is fine.")).unwrap_or_default();
    format!("Choose a name of your own that nobody can take for another app or for the platform itself.{example}")
}
