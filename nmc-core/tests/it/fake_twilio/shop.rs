//! The numbers for sale.

use super::{CHICAGO, Client};
use serde_json::json;

#[test]
fn there_is_a_stock_of_every_kind_that_is_sold() {
    let client = Client::new();
    for (what, first, count) in [
        ("US/Local", "+12125550100", 60),
        ("US/TollFree", "+18005550190", 10),
        ("CA/Local", "+14165550100", 20),
        ("GB/Local", "+442079460100", 20),
        ("GB/Mobile", "+447700900100", 20),
    ] {
        let numbers = client.for_sale(what, "PageSize=1000");
        assert_eq!((numbers[0].as_str(), numbers.len()), (first, count), "{what}");
        assert_eq!(numbers, Client::new().for_sale(what, "PageSize=1000"), "the same every time");
    }
    for what in ["US/Mobile", "CA/TollFree", "CA/Mobile", "GB/TollFree", "FR/Local", "us/Local", "US/Voip"] {
        let path = client.path(&format!("AvailablePhoneNumbers/{what}"));
        assert_eq!(client.get(&path).refusal(), (404, 20_404), "{what}");
    }
}

#[test]
fn a_number_for_sale_says_where_it_is_and_what_it_can_do() {
    let client = Client::new();
    let path = client.path("AvailablePhoneNumbers/US/Local");
    let list = client.get(&format!("{path}?Contains=%2B13125550100")).json(200);
    assert_eq!(list["uri"], path);
    let mut number = list["available_phone_numbers"][0].clone();
    assert!(number.as_object_mut().unwrap().remove("a_field_of_next_year").is_some());
    let expected = json!({
        "friendly_name": "(312) 555-0100", "phone_number": CHICAGO, "lata": "358", "locality": "Chicago",
        "rate_center": "CHICAGO", "latitude": "41.878100", "longitude": "-87.629800", "region": "IL",
        "postal_code": "60604", "iso_country": "US", "address_requirements": "none", "beta": false,
        "capabilities": {"voice": true, "SMS": true, "MMS": true, "fax": false},
    });
    assert_eq!(number, expected);
    let mobile = client.get(&client.path("AvailablePhoneNumbers/GB/Mobile")).json(200);
    let mobile = &mobile["available_phone_numbers"][0];
    assert_eq!((&mobile["address_requirements"], &mobile["iso_country"]), (&json!("any"), &json!("GB")));
    assert_eq!(mobile["capabilities"], json!({"voice": true, "SMS": true, "MMS": false, "fax": false}));
}

#[test]
fn filters() {
    let client = Client::new();
    for (what, query, count, first) in [
        ("US/Local", "", 30, "+12125550100"),
        ("US/Local", "PageSize=3", 3, "+12125550100"),
        ("US/Local", "AreaCode=312", 20, CHICAGO),
        ("US/Local", "AreaCode=999", 0, ""),
        ("US/Local", "AreaCode=312&Contains=0119", 1, "+13125550119"),
        ("US/Local", "Contains=1255501", 30, "+12125550100"),
        ("US/Local", "Contains=312*****05", 1, "+13125550105"),
        ("US/Local", "Contains=%2B13125550105", 1, "+13125550105"),
        ("US/Local", "Contains=13125550105", 1, "+13125550105"),
        ("US/Local", "Contains=%2B1312555010*", 10, CHICAGO),
        ("US/Local", "Contains=%2B1312", 0, ""),
        ("US/Local", "Contains=3125550999", 0, ""),
        ("US/Local", "Contains=JKL0107&AreaCode=415", 1, "+14155550107"),
        ("US/Local", "Contains=jkl0107&AreaCode=415", 1, "+14155550107"),
        ("US/Local", "InRegion=IL&PageSize=1000", 20, CHICAGO),
        ("US/Local", "InLocality=san+francisco", 20, "+14155550100"),
        ("US/Local", "InLocality=Chicago&InRegion=NY", 0, ""),
        ("US/TollFree", "InRegion=IL", 0, ""),
        ("US/Local", "SmsEnabled=true&MmsEnabled=true&VoiceEnabled=true&AreaCode=312", 20, CHICAGO),
        ("US/Local", "SmsEnabled=false", 0, ""),
        ("US/Local", "VoiceEnabled=false", 0, ""),
        ("GB/Local", "SmsEnabled=true", 0, ""),
        ("GB/Mobile", "SmsEnabled=true&MmsEnabled=false", 20, "+447700900100"),
    ] {
        let numbers = client.for_sale(what, query);
        assert_eq!((numbers.len(), numbers.first().map_or("", String::as_str)), (count, first), "{what}?{query}");
    }
}

#[test]
fn number_bought_leaves_the_shop_until_it_is_given_back() {
    let client = Client::new();
    let for_sale = || !client.for_sale("US/Local", "Contains=%2B13125550100").is_empty();
    let chicago = CHICAGO.parse().unwrap();
    let sid = client.bought(CHICAGO);
    assert!(!for_sale());
    client.call("DELETE", &client.number(&sid), &[]);
    assert!(for_sale());
    assert!(client.twilio.sell_elsewhere(&chicago));
    assert!(!for_sale() && !client.twilio.sell_elsewhere(&chicago));
    assert_eq!(client.buy(&[("PhoneNumber", CHICAGO)]).refusal(), (400, 21_422));
    client.twilio.sell(&chicago);
    assert!(for_sale());
    let sid = client.twilio.own(&chicago, "Chicago", None);
    assert!(!for_sale());
    client.twilio.lose(&sid);
    assert!(!for_sale(), "what Twilio takes away it sells to nobody");
}

#[test]
fn one_more_number_is_of_the_kind_that_its_digits_say() {
    let client = Client::new();
    for (number, what) in [
        ("+12065550142", "US/Local"),
        ("+18885550142", "US/TollFree"),
        ("+447700900999", "GB/Mobile"),
        ("+441632960001", "GB/Local"),
    ] {
        client.twilio.sell(&number.parse().unwrap());
        assert_eq!(client.for_sale(what, &format!("Contains={}", &number[1..])), [number]);
    }
}
