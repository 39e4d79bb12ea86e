// A secret has no text to show.
use nmc_core::Secret;
use nmc_core::access::TokenHash;

fn main() {
    println!("{}", Secret::new("token"));
    println!("{}", TokenHash::new([0; 32]));
}
