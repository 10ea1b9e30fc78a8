//! What was done to others, done to us: a file for each lesson that the field has paid for (`s01` to `s26`), and one for
//! each further way that an authorization server is attacked (RFC 6819, RFC 9700).
//!
//! Each drives the product as an attacker can: over HTTP, through its pages, on either engine. A refusal is not enough: what
//! was attacked must go on working for whom it belongs to, and nothing may be left behind.

mod basic_headers;
mod clickjacking;
mod cross_site_forms;
mod jwt_confusion;
mod response_splitting;
mod s01_user_info_in_redirect;
mod s02_path_tricks_in_redirect;
mod s03_prefix_or_pattern_for_redirect;
mod s04_case_and_query_of_redirect;
mod s05_script_urls_of_apps;
mod s06_local_hosts_in_redirect;
mod s07_pkce_downgrade;
mod s08_code_of_another_app;
mod s09_one_code_many_times;
mod s10_refresh_reuse_by_timing;
mod s11_rotated_tokens_after_restart;
mod s12_locked_person_goes_on;
mod s13_truncated_and_padded_secrets;
mod s14_scope_beyond_consent;
mod s15_fields_left_out_of_an_edit;
mod s16_session_fixation;
mod s17_empty_posts_and_forged_headers;
mod s18_links_from_the_host_header;
mod s19_fetching_inside_the_house;
mod s20_reflected_markup;
mod s21_open_redirect_after_sign_in;
mod s22_unknown_token_parameters;
mod s23_password_change_without_the_old;
mod s24_roles_raised_indirectly;
mod s25_mix_up;
mod s26_false_apps;
mod tokens_of_another_app;
mod unknown_client_timing;

use crate::apps::{create, good_but};
use crate::oauth::flow::raw_url;
use crate::support::{TestApp, World};

pub use crate::oauth::flow::{ADA, BELA};

/// A server that Ada can sign in to with her password.
async fn ada_can_sign_in() -> World {
    let world = World::new().await;
    world.person(ADA).await;
    world.give_password(ADA).await;
    world
}

/// Asks for authorization to each of these addresses, none of which is the registered one: an error page, and no way out.
async fn assert_never_redirected_to(world: &World, app: &TestApp, others: &[&str]) {
    for other in others {
        for prompt in ["none", "consent"] {
            let params = [
                ("client_id", app.client_id.as_str()),
                ("redirect_uri", other),
                ("response_type", "code"),
                ("prompt", prompt),
            ];
            let page = world.browser().get(&raw_url(&params)).await;
            page.is_closed(400, "redirect_uri_unregistered");
        }
    }
    // The request was good but for its address.
    let page = world.browser().get(&crate::oauth::flow::authorize_url(app, &[])).await;
    assert!(page.has_form("/sign-in"), "{}", page.html);
}

/// Declares each of these as the callback of a new app: a fault at its field, and no app.
async fn assert_never_registered(world: &World, kind: &str, urls: &[&str]) {
    let developer = world.developer("mallory-dev@example.com").await;
    for url in urls {
        let fields = good_but(&[("kind", kind), ("callback_url", url)]);
        let page = create(&developer, "submit", &fields).await;
        assert_eq!(page.status, 400, "{url} was taken from a {kind} app");
        assert!(page.html.contains("data-faults=\"callback_url-0\"><p class=\"field-error\">"), "{url}: {}", page.html);
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM apps", &[]).await, 0);
}
