//! From a developer's first wish to a user's last word: OAuth access is asked for and given, an app is registered with
//! faults, mended, tried, reviewed twice, approved, used by a stranger, its secret renewed, its access taken back. Once
//! with the mouse, once with the keyboard alone.

use crate::browser::Browser;
use crate::client::{Place, RunningClient};
use crate::demo::Demo;
use crate::hand::{Hand, Person};

const APP: &str = "Lesson Planner";
const SCOPES: &str = "user:read meeting:create meeting:read";

#[tokio::test]
async fn an_apps_life_by_mouse() {
    Story::begin(Hand::Mouse).await.tell().await;
}

#[tokio::test]
async fn an_apps_life_by_keyboard_alone() {
    Story::begin(Hand::Keyboard).await.tell().await;
}

struct Story {
    demo: Demo,
    browser: Browser,
    hand: Hand,
}

/// What the console shows once.
#[derive(Clone)]
struct Credentials {
    client_id: String,
    secret: String,
}

impl Story {
    async fn begin(hand: Hand) -> Story {
        Story { demo: Demo::start(), browser: Browser::open(1280, 800).await, hand }
    }

    fn person(&self) -> Person<'_> {
        Person { browser: &self.browser, hand: self.hand }
    }

    /// One set of pictures is enough.
    async fn picture(&self, name: &str) {
        if self.hand == Hand::Mouse {
            self.browser.pictures(name).await;
        }
    }

    /// Somebody comes to the server's front door and signs in; whoever was there has signed out.
    async fn arrives(&self, email: &str) -> Person<'_> {
        let person = self.person();
        person.open(&format!("{}/sign-in", self.demo.issuer())).await;
        person.sign_in(self.demo.person_at(email)).await;
        self.browser.reads("Profile").await;
        person
    }

    async fn tell(&self) {
        let place = Place::take().await;
        self.access_is_requested().await;
        self.access_is_granted().await;
        let first = self.an_app_is_created_with_faults_and_mended(&place).await;
        let client = self.its_developer_tries_it_before_the_review(place, &first).await;
        self.a_tester_is_invited(&client).await;
        self.a_stranger_is_not_let_in(&client).await;
        self.it_is_submitted().await;
        self.it_is_held_with_a_reason().await;
        self.it_is_mended_and_submitted_again(&client.url()).await;
        self.it_is_approved().await;
        let second = self.the_secret_is_regenerated_with_overlap(&first).await;
        let client = self.a_stranger_uses_it_with_either_secret(client, &second).await;
        self.the_first_secret_is_ended(&first).await;
        self.the_stranger_takes_the_access_back(&client).await;
    }

    async fn access_is_requested(&self) {
        let nila = self.arrives("nila@example.com").await;
        nila.press("OAuth").await;
        self.browser.reads("Build on JioMeet").await;
        self.picture("console-request-access").await;
        nila.fill("#reason", "A timetable for schools. It puts lessons into JioMeet.").await;
        nila.press("Request access").await;
        self.browser.reads("Your request waits for an answer").await;
        nila.sign_out().await;
    }

    async fn access_is_granted(&self) {
        let admin = self.arrives("admin@example.com").await;
        admin.press("OAuth requests").await;
        self.browser.reads("A timetable for schools").await;
        self.picture("admin-oauth-requests").await;
        admin.press("Grant access to Nila Iyer").await;
        self.browser.reads("Access is granted").await;
        self.browser.reads("Nobody waits").await;
        admin.sign_out().await;
    }

    async fn an_app_is_created_with_faults_and_mended(&self, place: &Place) -> Credentials {
        let site = place.url();
        let nila = self.arrives("nila@example.com").await;
        nila.press("OAuth").await;
        self.browser.reads("No apps yet").await;
        self.picture("console-no-apps").await;
        nila.press("Create new OAuth app").await;

        let typed = [
            ("#homepage_url", "http://lessons.example"),
            ("#policy_url", "https://2130706433/policy"),
            ("#logo_url", "https://lessons.example/logo.png#round"),
            ("#description", "Puts lessons into people's calendars."),
            ("#support_email", "help at lessons"),
            ("#callback_url-0", "https://lessons.example/cb?token=1"),
            ("#callback_url-1", "https://*.lessons.example/cb"),
            ("#test_plan", "Sign in as anybody."),
        ];
        for (field, text) in typed {
            nila.fill(field, text).await;
        }
        nila.press("Create OAuth app").await;
        self.browser.reads("things to mend").await;
        self.picture("console-form-faults").await;
        for field in ["name", "homepage_url", "policy_url", "logo_url", "use_case", "support_email", "scopes"] {
            self.browser.the(&format!("#{field}-faults .field-error")).await;
        }
        for row in ["callback_url-0", "callback_url-1"] {
            self.browser.the(&format!("#{row}-faults .field-error")).await;
        }
        for (field, text) in typed {
            assert_eq!(self.browser.value(field).await, text, "nothing typed is lost in {field}");
        }

        // The review's own checks look at what is typed: a name that sounds like the platform, a listed site.
        nila.fill("#name", "JioMeet Official").await;
        self.browser.reads_at("#name-checked", "Suspicious").await;
        nila.fill("#callback_url-1", "https://collect.prize-login.example/in").await;
        self.browser.reads_at("#callback_url-1-checked", "is on the list of harmful sites").await;
        self.picture("console-form-checked").await;
        nila.fill("#name", APP).await;
        nila.fill("#homepage_url", &site).await;
        nila.fill("#policy_url", &format!("{site}/nowhere")).await;
        nila.fill("#logo_url", &format!("{site}/logo.png")).await;
        nila.choose("#use_case", "Education").await;
        nila.fill("#support_email", "help@lessons.example").await;
        nila.fill("#callback_url-0", &format!("{site}/callback")).await;
        nila.fill("#callback_url-1", "").await;
        for scope in SCOPES.split(' ') {
            nila.tick(&format!("input[name=scope][value='{scope}']")).await;
        }
        self.browser.reads_at("#name-checked", "1 check passed").await;
        self.browser.reads_at("#callback_url-0-checked", "passed").await;
        self.picture("console-form").await;
        nila.press("Save draft").await;
        self.browser.reads("Copy the secret now").await;
        self.picture("console-credentials").await;
        let credentials = Credentials {
            client_id: self.browser.the(".credentials code").await.text().await.unwrap(),
            secret: self.browser.the("#client-secret").await.text().await.unwrap(),
        };
        assert!(credentials.secret.starts_with("jmcs_"), "{}", credentials.secret);
        nila.press("I have copied it: open the app").await;
        self.browser.reads("Test credentials").await;
        self.picture("console-app-draft").await;
        credentials
    }

    /// In test mode: consent says that nobody has reviewed it, and only its own people get in.
    async fn its_developer_tries_it_before_the_review(&self, place: Place, first: &Credentials) -> RunningClient {
        let client = place.start(self.demo.issuer(), &first.client_id, &first.secret, SCOPES);
        let nila = self.person();
        nila.open(&client.url()).await;
        nila.press("Sign in with JioMeet").await;
        self.browser.reads("Not reviewed yet").await;
        self.picture("consent-test-mode").await;
        nila.press("Allow").await;
        self.browser.reads("Hello, Nila").await;
        nila.press("Sign out").await;
        self.browser.reads("You are signed out").await;
        client
    }

    async fn a_tester_is_invited(&self, client: &RunningClient) {
        let nila = self.person();
        nila.open(self.demo.issuer()).await;
        nila.press("OAuth").await;
        nila.press(APP).await;
        nila.fill("#invite-tester", "ben@example.com").await;
        nila.press("Invite").await;
        self.browser.reads("The invitation waits for its answer").await;
        nila.sign_out().await;

        let ben = self.arrives("ben@example.com").await;
        ben.press("Invitations").await;
        self.browser.reads("Nila Iyer invites you to try the app").await;
        self.picture("invitation").await;
        ben.press("Accept the invitation to Lesson Planner").await;
        self.browser.reads("You are a tester now").await;
        ben.open(&client.url()).await;
        ben.press("Sign in with JioMeet").await;
        self.browser.reads("Not reviewed yet").await;
        ben.press("Allow").await;
        self.browser.reads("Hello, Ben").await;
        ben.press("Sign out").await;
        self.browser.reads("You are signed out").await;
        self.leave().await;
    }

    async fn a_stranger_is_not_let_in(&self, client: &RunningClient) {
        let asha = self.arrives("asha@example.com").await;
        asha.open(&client.url()).await;
        asha.press("Sign in with JioMeet").await;
        self.browser.reads("You are signed in as asha@example.com, whom the app has not invited").await;
        self.picture("not-approved").await;
        self.leave().await;
    }

    /// Whoever is signed in signs out, wherever they are.
    async fn leave(&self) {
        let person = self.person();
        person.open(self.demo.issuer()).await;
        person.sign_out().await;
    }

    async fn it_is_submitted(&self) {
        let nila = self.arrives("nila@example.com").await;
        nila.press("OAuth").await;
        nila.press(APP).await;
        nila.press("Checks").await;
        self.browser.reads("These checks have not run yet").await;
        nila.press("Run the checks").await;
        self.browser.reads("The checks have run").await;
        self.picture("console-checks").await;
        nila.press(APP).await;
        nila.press("Submit for review").await;
        self.browser.reads("within 24 to 48 hours").await;
        self.picture("console-app-in-review").await;
        nila.sign_out().await;
    }

    /// The reviewer's page of the app, once its screening is over.
    async fn the_reviewer_opens_it(&self) -> Person<'_> {
        let ravi = self.arrives("ravi@example.com").await;
        ravi.press("Review queue").await;
        self.browser.reads(APP).await;
        self.picture("review-queue").await;
        ravi.press(APP).await;
        self.browser.reload_while("The checks are running").await;
        ravi
    }

    async fn fill_in_the_checklist(&self, ravi: &Person<'_>, policy: &str) {
        for item in ["name", "homepage_url", "logo_url", "callback_urls[0]", "scopes"] {
            ravi.pick(&format!("input[name='choice.{item}'][value=ok]")).await;
        }
        ravi.pick(&format!("input[name='choice.policy_url'][value={policy}]")).await;
    }

    async fn it_is_held_with_a_reason(&self) {
        let ravi = self.the_reviewer_opens_it().await;
        self.fill_in_the_checklist(&ravi, "invalid").await;
        ravi.fill("input[name='note.policy_url']", "There is no page at this address. Publish the policy.").await;
        self.picture("review-app").await;
        ravi.press("Put on hold").await;
        self.browser.reads("The app is on hold. Its developers are told why.").await;
        ravi.sign_out().await;
    }

    async fn it_is_mended_and_submitted_again(&self, site: &str) {
        let nila = self.arrives("nila@example.com").await;
        nila.press("OAuth").await;
        self.browser.reads("On hold").await;
        nila.press(APP).await;
        self.browser.reads("There is no page at this address").await;
        self.picture("console-app-on-hold").await;
        nila.press("Edit").await;
        nila.fill("#policy_url", &format!("{site}/policy")).await;
        nila.press("Submit for review").await;
        self.browser.reads("The app is in review now").await;
        nila.sign_out().await;
    }

    async fn it_is_approved(&self) {
        let ravi = self.the_reviewer_opens_it().await;
        // One click to the consent page of the app that is under review; the app itself did not ask, and says so.
        let page = self.browser.address().await;
        ravi.press("Try this app's flow").await;
        self.browser.reads("Not reviewed yet").await;
        ravi.press("Deny").await;
        self.browser.reads("Calendar Companion").await;
        ravi.open(&page).await;
        self.fill_in_the_checklist(&ravi, "ok").await;
        ravi.press("Approve").await;
        self.browser.reads("The app is approved").await;
        ravi.press("Audit log").await;
        self.browser.reads("app.approved").await;
        self.picture("audit-log").await;
        ravi.sign_out().await;
    }

    async fn the_secret_is_regenerated_with_overlap(&self, first: &Credentials) -> Credentials {
        let nila = self.arrives("nila@example.com").await;
        nila.press("OAuth").await;
        nila.press(APP).await;
        self.browser.reads("Approved").await;
        assert!(!self.browser.text().await.contains("Test credentials"));
        self.picture("console-app-approved").await;
        nila.press("Regenerate the client secret").await;
        nila.press("Regenerate").await;
        self.browser.reads("Copy the secret now").await;
        let secret = self.browser.the("#client-secret").await.text().await.unwrap();
        assert_ne!(secret, first.secret);
        nila.press("I have copied it: open the app").await;
        self.browser.reads("Ends ").await;
        nila.sign_out().await;
        Credentials { client_id: first.client_id.clone(), secret }
    }

    /// The client goes on with the first secret, then gets the second; both work.
    async fn a_stranger_uses_it_with_either_secret(
        &self,
        client: RunningClient,
        second: &Credentials,
    ) -> RunningClient {
        let asha = self.person();
        asha.open(&client.url()).await;
        asha.press("Sign in with JioMeet").await;
        asha.sign_in(self.demo.person_at("asha@example.com")).await;
        self.browser.reads("Lesson Planner wants to use your JioMeet account").await;
        assert!(!self.browser.text().await.contains("Not reviewed yet"));
        asha.tick("input[name=scope][value='meeting:create']").await;
        asha.press("Allow").await;
        self.browser.reads("Hello, Asha").await;
        let left_out = self.browser.the(".account .crosses").await.text().await.unwrap();
        assert!(left_out.contains("meeting:create"), "{left_out}");

        let client = client.stop().await.start(self.demo.issuer(), &second.client_id, &second.secret, SCOPES);
        asha.open(&client.url()).await;
        asha.press("Sign in with JioMeet").await;
        self.browser.reads("You left this out last time").await;
        asha.press("Allow").await;
        self.browser.reads("Hello, Asha").await;
        client
    }

    async fn the_first_secret_is_ended(&self, first: &Credentials) {
        self.leave().await;
        let nila = self.arrives("nila@example.com").await;
        nila.press("OAuth").await;
        nila.press(APP).await;
        let last_four = &first.secret[first.secret.len() - 4..];
        nila.press(&format!("End it now, the secret that ends in {last_four}")).await;
        self.browser.reads("That secret has ended").await;
        nila.sign_out().await;
    }

    /// The client goes on with the new secret; then the person removes the app, and its very next call fails.
    async fn the_stranger_takes_the_access_back(&self, client: &RunningClient) {
        let asha = self.arrives("asha@example.com").await;
        asha.open(&client.url()).await;
        asha.press("Refresh token").await;
        self.browser.reads("once").await;
        asha.open(&format!("{}/account", self.demo.issuer())).await;
        asha.press("Connected apps").await;
        self.browser.reads(APP).await;
        self.picture("connected-apps").await;
        asha.press("Remove access of Lesson Planner").await;
        self.browser.reads("Access is removed. It stopped at once.").await;
        asha.open(&client.url()).await;
        self.browser.reads("Sign in with JioMeet").await;
        self.picture("client-after-removal").await;
    }
}
