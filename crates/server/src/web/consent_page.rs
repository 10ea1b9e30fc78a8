//! The consent page, as plain words: `oauth` decides what is true and fills it.

use askama::Template;
use protocol::scope::{KnownScope, OPENID, ScopeTable};

use crate::web::samples::{SITE, Sample, Samples, person};
use crate::web::{Monogram, Person, Shell};

/// The question itself: which app asks, for what, who is asked, and where the answer goes.
#[derive(Debug, Clone, Template)]
#[template(path = "oauth/consent.html")]
pub struct ConsentPage {
    /// The surroundings.
    pub shell: Shell,
    /// The app's name.
    pub app_name: String,
    /// Its letter or its verified logo.
    pub monogram: Monogram,
    /// The owner's name.
    pub developer: String,
    /// http(s) alone; anything else must be left out here.
    pub homepage_url: Option<String>,
    /// http(s) alone; anything else must be left out here.
    pub policy_url: Option<String>,
    /// The date of the approval in words; without one the 'not reviewed yet' banner is shown.
    pub reviewed_on: Option<String>,
    /// Who is signed in.
    pub person: Person,
    /// Leads to the sign-in page and back to this very request: [`crate::users::switch_account_url`].
    pub switch_url: String,
    /// The CSRF token of this browser and session.
    pub csrf: String,
    /// The consent form's seal, the hidden field `request`.
    pub request: String,
    /// What is asked for, in the catalogue's order.
    pub scopes: Vec<ConsentScope>,
    /// Where the answer goes, as a host or in words: `calendar.example.com`, `the app on this device`.
    pub destination: String,
    /// The homepage's host, where the destination is not of the same site.
    pub other_site_than: Option<String>,
}

/// One scope that is asked for.
#[derive(Debug, Clone)]
pub struct ConsentScope {
    /// Its name, the checkbox's value.
    pub name: String,
    /// What it lets the app do, in the words of the guide.
    pub words: String,
    /// It cannot be unticked, only denied with everything else.
    pub is_required: bool,
    /// Why, where the developer said so.
    pub required_because: Option<String>,
    /// Whether it is ticked; unticked is what the person left out last time.
    pub ticked: bool,
}

fn sample_scopes(keep: impl Fn(&KnownScope) -> bool) -> Vec<ConsentScope> {
    let scope = |known: &KnownScope| ConsentScope {
        name: known.name.to_string(),
        words: known.description.to_string(),
        is_required: known.name == OPENID,
        required_because: None,
        ticked: true,
    };
    ScopeTable::default().iter().filter(|known| keep(known)).map(scope).collect()
}

impl Samples for ConsentPage {
    fn samples() -> Vec<Sample> {
        let usual = ConsentPage {
            shell: Shell::nobody(SITE.to_owned()),
            app_name: "Team Calendar".to_owned(),
            monogram: Monogram::of("Team Calendar"),
            developer: "Devika Menon".to_owned(),
            homepage_url: Some("https://calendar.example.com/".to_owned()),
            policy_url: Some("https://calendar.example.com/privacy".to_owned()),
            reviewed_on: Some("3 Oct 2026".to_owned()),
            person: person(),
            switch_url: "/sign-in?request=sealed".to_owned(),
            csrf: "1.token".to_owned(),
            request: "sealed".to_owned(),
            scopes: sample_scopes(|known| !known.is_sign_in()),
            destination: "calendar.example.com".to_owned(),
            other_site_than: None,
        };
        let mut testing = usual.clone();
        testing.reviewed_on = None;
        testing.scopes.truncate(2);
        testing.destination = "localhost:8081".to_owned();
        testing.other_site_than = Some("calendar.example.com".to_owned());
        let mut again = usual.clone();
        for (index, scope) in again.scopes.iter_mut().enumerate() {
            scope.ticked = index % 2 == 0;
        }
        if let Some(first) = again.scopes.first_mut() {
            first.is_required = true;
            first.required_because = Some("We show your name next to the meetings that you schedule.".to_owned());
        }
        let mut long = usual.clone();
        long.app_name = "Donaudampfschifffahrtsgesellschaftskapitänsmützenverwaltung & <Partners>".to_owned();
        long.monogram = Monogram::of(&long.app_name);
        long.developer = "Wolfeschlegelsteinhausenbergerdorff".to_owned();
        long.destination =
            "a-very-long-host-name-that-somebody-registered-on-purpose.with-many-labels.example.co.in".to_owned();
        long.person.email = "a.very.long.address.that.somebody.chose.on.purpose@subdomain.example.co.in".to_owned();
        let mut sign_in = usual.clone();
        sign_in.scopes = sample_scopes(|known| known.is_sign_in());
        vec![
            Sample::of("consent", "sign-in", &sign_in),
            Sample::of("consent", "usual", &usual),
            Sample::of("consent", "not-reviewed-other-site", &testing),
            Sample::of("consent", "asked-again", &again),
            Sample::of("consent", "long-words", &long),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(variation: &str) -> String {
        ConsentPage::samples().into_iter().find(|sample| sample.variation == variation).unwrap().html
    }

    #[test]
    fn each_scope_is_one_checkbox_in_the_words_of_the_guide() {
        let html = html("usual");
        for known in ScopeTable::default().iter().filter(|known| !known.is_sign_in()) {
            assert!(
                html.contains(&format!("<input type=\"checkbox\" name=\"scope\" value=\"{}\" checked>", known.name)),
                "{}",
                known.name
            );
            assert!(html.contains(&known.description.replace('\'', "&#39;")), "{}", known.name);
        }
        assert!(html.contains("Reviewed on 3 Oct 2026"));
        assert!(!html.contains("Not reviewed yet"));
    }

    #[test]
    fn deny_comes_first_so_that_the_enter_key_gives_nothing_away() {
        let html = html("usual");
        let at = |value: &str| html.find(&format!("name=\"decision\" value=\"{value}\"")).unwrap();
        assert!(at("deny") < at("allow"));
    }

    #[test]
    fn a_required_scope_is_carried_and_cannot_be_unticked() {
        let html = html("asked-again");
        assert!(html.contains("<input type=\"hidden\" name=\"scope\" value=\"user:read\">"));
        assert!(html.contains("<input type=\"checkbox\" name=\"scope\" value=\"user:read\" checked disabled"));
        assert!(html.contains("We show your name next to"));
    }

    #[test]
    fn to_sign_in_is_all_or_nothing_and_the_rest_is_not() {
        let html = html("sign-in");
        assert!(html.contains("<input type=\"hidden\" name=\"scope\" value=\"openid\">"));
        assert!(html.contains("<input type=\"checkbox\" name=\"scope\" value=\"openid\" checked disabled>"));
        assert!(html.contains("<input type=\"checkbox\" name=\"scope\" value=\"email\" checked>"));
        assert!(!html.contains("says why"));
    }

    #[test]
    fn what_was_left_out_last_time_is_shown_unticked() {
        let html = html("asked-again");
        let second = "meeting:create";
        assert!(html.contains(&format!("<input type=\"checkbox\" name=\"scope\" value=\"{second}\">")), "{html}");
        assert!(html.contains("You left this out last time."));
    }

    #[test]
    fn another_site_is_warned_of() {
        let html = html("not-reviewed-other-site");
        assert!(html.contains("Not reviewed yet."));
        assert!(html.contains(
            "<strong>localhost:8081</strong>. That is not the site of the app's homepage, calendar.example.com"
        ));
    }

    #[test]
    fn names_are_text() {
        let html = html("long-words");
        assert!(html.contains("&#60;Partners&#62;") && !html.contains("<Partners>"));
    }
}
