//! Forms, as nobody's browser sends them: refused by name, without a step forward.

use crate::support::World;
use http::StatusCode;

const FORMS: &[&str] = &["/sign-in", "/sign-out", "/account/sessions/end", "/account/sessions/end-all"];
const FORM: &str = "application/x-www-form-urlencoded";

async fn send(world: &World, path: &str, content_type: &str, body: Vec<u8>) -> (StatusCode, String) {
    let request = world.http.post(world.url(path)).header("content-type", content_type).body(body);
    let response = request.send().await.unwrap();
    assert!(
        response.headers().get("set-cookie").is_none_or(|cookie| !cookie.to_str().unwrap().contains("jm_session="))
    );
    (response.status(), response.text().await.unwrap())
}

#[tokio::test]
async fn another_content_type_is_415() {
    let world = World::new().await;
    for path in FORMS {
        for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x", "nonsense"] {
            let (status, page) = send(&world, path, content_type, b"email=x&password=y".to_vec()).await;
            assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {content_type}");
            assert!(page.contains("A form is sent as application/x-www-form-urlencoded."));
        }
        let nothing = world.http.post(world.url(path)).send().await.unwrap();
        assert_eq!(nothing.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
    }
}

#[tokio::test]
async fn a_body_beyond_64_kib_is_413() {
    let world = World::new().await;
    for path in FORMS {
        let (status, _) = send(&world, path, FORM, vec![b'x'; 64 * 1024 + 1]).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}

#[tokio::test]
async fn a_field_that_is_no_text_or_comes_twice_is_400_and_named() {
    let world = World::new().await;
    for body in
        ["email=%ff&password=x", "email=a%00b&password=x", "email=a&email=b&password=x", "password=%c3%28&email=a"]
    {
        let (status, page) = send(&world, "/sign-in", FORM, body.as_bytes().to_vec()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        let field = body.split('=').next().unwrap();
        assert!(page.contains(&format!("It is {field}.")), "{body}: {page}");
    }
}

#[tokio::test]
async fn more_fields_than_any_form_has_are_400() {
    let world = World::new().await;
    let (status, _) = send(&world, "/sign-in", FORM, "a=b&".repeat(5000).into_bytes()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
