//! What the types promise: programs that must not compile, each with the compiler's words. Their twin, which differs from them
//! in what they do wrong, is part of this test and compiles.
//!
//! A compiler of another version says some things in other words: with `TRYBUILD=overwrite` the test writes them down anew;
//! read the difference. `.ci/run` alone runs it, since it builds every dependency once more, with flags of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "compile_fail/allowed.rs"]
mod allowed;

#[test]
fn what_the_types_forbid_does_not_compile() {
    std::hint::black_box((allowed::as_tenant, allowed::as_user, allowed::as_system));
    let cases = trybuild::TestCases::new();
    for forbidden in [
        "actor_out_of_thin_air",
        "destruction_without_confirmation",
        "id_of_the_wrong_kind",
        "ledger_rewritten",
        "new_with_a_tenant_id",
        "repository_without_a_tenant",
        "secret_printed",
        "tenant_out_of_thin_air",
        "transaction_outlived",
    ] {
        cases.compile_fail(format!("tests/compile_fail/{forbidden}.rs"));
    }
}
