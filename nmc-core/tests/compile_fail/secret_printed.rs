// A secret has no text to show.
use nmc_core::Secret;
use nmc_core::identity::TokenHash;

fn main() {
    println!("{}", Secret::new("token"));
    println!("{}", TokenHash::new([0; 32]));
}
