//! The users of a business, with what belongs to each: profile, preferences, presence, photo; and what people do about people.

mod account_mail;
mod account_mail_queue;
mod administration;
mod invitation;
mod mail_links;
mod owner;
#[cfg(feature = "photos")]
mod photo;
#[cfg(feature = "photos")]
mod photo_change;
#[cfg(feature = "photos")]
mod photo_path;
mod preferences;
mod presence;
mod presence_leases;
mod profile;
mod unlock;
mod user;

pub use account_mail::{
    AccountMail, AccountMailFilter, AccountMails, INVITATIONS_A_DAY, InvitationMail, MAILS_AN_HOUR, MAILS_TO_UNPROVED_A_DAY,
    MAILS_TO_UNPROVED_BEFORE_APPROVAL, RESET_LIFETIME, VERIFICATION_LIFETIME,
};
pub(crate) use account_mail_queue::{AccountLetter, ClaimedAccountMail, Takes};
pub(crate) use administration::add;
pub use administration::{
    INVITATION_LIFETIME, NewPerson, change_own_user, change_profile, change_user, end_session, get_session, get_user, invite,
    invite_again, list_sessions, logout, logout_everywhere, may_change,
};
pub(crate) use mail_links::{mail_approval, mail_verification_to};
pub use mail_links::{mail_invitation, mail_reset, mail_verification, vouch_for_email};
#[cfg(feature = "photos")]
pub use photo::Photo;
#[cfg(feature = "photos")]
pub use photo_change::{PhotoChange, change_photo, forget_photo, set_photo};
#[cfg(feature = "photos")]
pub use photo_path::PhotoPath;
pub use preferences::{Preferences, PreferencesFilter, PreferencesPatch, PreferencesRepo};
pub use presence::{Presence, PresenceFilter, Presences};
pub use presence_leases::{PresenceLease, PresenceLeases};
pub use profile::{NewProfile, Profile, ProfileFilter, ProfilePatch, Profiles};
pub use unlock::unlock_user;
pub use user::{NewUser, User, UserFilter, UserPatch, Users};
