//! The list of one's apps, by pages of a key: quick however many there are.

use super::{create, good_but};
use crate::support::World;

#[tokio::test]
async fn the_list_says_where_each_app_stands_and_whose_turn_it_is() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    assert!(dev.get("/oauth/apps").await.text().contains("No apps yet"));
    create(&dev, "save", &good_but(&[("name", "First Draft")])).await;
    create(&dev, "submit", &good_but(&[("name", "Second <i>App</i>")])).await;
    let page = dev.get("/oauth/apps").await;
    let text = page.text();
    assert!(text.contains("First Draft") && text.contains("Draft Your turn"), "{text}");
    assert!(text.contains("In review The reviewers' turn") && text.contains("Submitted"), "{text}");
    assert!(!page.html.contains("<i>App"), "{}", page.html);
    let other = world.developer("other@example.com").await;
    assert!(!other.get("/oauth/apps").await.text().contains("First Draft"));
}

#[tokio::test]
async fn every_app_is_on_exactly_one_page() {
    let world = World::new().await;
    let dev = world.developer("dev@example.com").await;
    // Apps made in one millisecond are told apart by their id.
    for number in 0..60 {
        let name = format!("App number {number} of sixty");
        assert_eq!(create(&dev, "save", &[("name", &name)]).await.status, 200);
        if number % 7 == 0 {
            world.wait(std::time::Duration::from_millis(1));
        }
    }
    let mut seen = Vec::new();
    let mut page = dev.get("/oauth/apps").await;
    let mut pages = 1;
    loop {
        seen.extend((0..60).filter(|number| page.html.contains(&format!(">App number {number} of sixty</a>"))));
        if !page.html.contains("Older apps") {
            break;
        }
        page = dev.get(&page.link("Older apps")).await;
        pages += 1;
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..60).collect::<Vec<i32>>());
    assert_eq!(pages, 3);
    for wrong in ["x", "1", "1.", "1.app'", "99999999999999999999.app-1"] {
        assert_eq!(dev.get(&format!("/oauth/apps?after={wrong}")).await.status, 200, "{wrong}");
    }
}
