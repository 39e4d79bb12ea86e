//! What a load balancer asks.

use crate::site::Site;

#[test]
fn alive_means_the_process_and_ready_means_its_database() {
    let site = Site::new();
    assert_eq!(site.request("GET", "/healthz").body, "ok\n");
    assert_eq!(site.request("GET", "/readyz").body, "ready\n");
    let outage = site.db.take_down();
    assert_eq!(site.request("GET", "/healthz").status, 200);
    // What the database said counts for a second.
    nmc_core::testing::wait_until("the outage is told", || site.request("GET", "/readyz").status == 503);
    drop(outage);
    nmc_core::testing::wait_until("the database is back", || site.request("GET", "/readyz").status == 200);
}
