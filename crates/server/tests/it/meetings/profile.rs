use reqwest::StatusCode;
use serde_json::json;

use super::world::World;

#[tokio::test]
async fn both_addresses_give_the_same_profile() {
    let world = World::new().await;
    let expected =
        json!({"_id": world.asha.id.as_str(), "name": "asha", "lname": "Tester", "email": "asha@example.com"});
    for path in ["/api/user/profile", "/api/my_profile"] {
        let answer = world.get(path).await;
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.expect(StatusCode::OK), expected);
    }
}
