//! Routes of users, their profiles, preferences and statuses.

use crate::api::{Access, Api};
use crate::routes::v1::{op, preferences, profiles, status, users};
use nmc_core::access::Permission;

/// The routes of this area.
#[rustfmt::skip] // a table
pub(super) fn routes(api: &mut Api<'_>) {
    use Access::{Anyone, Needs, OwnOr};
    use Permission::*;

    api.path("people", "/v1/users", |r| {
        r.get(op("listUsers", "Users, newest first", Needs(UsersRead)), users::list)
            .post(op("inviteUser", "Invite a person to become a user", Needs(UsersWrite)), users::invite);
    });
    api.path("people", "/v1/users/{user}", |r| {
        r.get(op("getUser", "A user's account", OwnOr(UsersRead)), users::get)
            .patch(op("changeUser", "Change a user's account, role or access", OwnOr(UsersWrite)), users::change);
    });
    api.path("people", "/v1/users/{user}/invitation", |r| {
        r.post(op("inviteAgain", "Invite a user again who has lost the invitation or the password, or was deactivated", Needs(UsersWrite)), users::invite_again);
    });
    api.path("people", "/v1/users/me/password", |r| {
        r.put(op("changePassword", "Change one's password; one's other sessions end", Anyone), users::change_password);
    });
    api.path("people", "/v1/profiles", |r| {
        r.get(op("listProfiles", "Profiles, newest first", Needs(ProfilesRead)), profiles::list);
    });
    api.path("people", "/v1/users/{user}/profile", |r| {
        r.get(op("getProfile", "A user's profile", OwnOr(ProfilesRead)), profiles::get)
            .patch(op("changeProfile", "Change a user's profile", OwnOr(ProfilesWrite)), profiles::change);
    });
    api.path("people", "/v1/users/{user}/profile/photo", |r| {
        r.get(op("getPhoto", "The photo of a user's profile", OwnOr(ProfilesRead)), profiles::photo)
            .put(op("setPhoto", "Upload a photo: JPEG, PNG or WebP, 5 MiB at most", OwnOr(ProfilesWrite)), profiles::set_photo)
            .delete(op("removePhoto", "Remove the photo of a user's profile", OwnOr(ProfilesWrite)), profiles::remove_photo);
    });
    api.path("people", "/v1/users/{user}/preferences", |r| {
        r.get(op("getPreferences", "A user's preferences", OwnOr(PreferencesRead)), preferences::get)
            .patch(op("changePreferences", "Change a user's preferences", OwnOr(PreferencesWrite)), preferences::change);
    });
    api.path("people", "/v1/status", |r| {
        r.get(op("listStatus", "The statuses of users, last seen first", Needs(StatusRead)), status::list);
    });
    api.path("people", "/v1/users/{user}/status", |r| {
        r.get(op("getStatus", "The status of a user, and whether they are online", OwnOr(StatusRead)), status::get)
            .patch(op("changeStatus", "Change a user's status and message", OwnOr(StatusWrite)), status::change);
    });
    api.path("people", "/v1/users/me/status/heartbeat", |r| {
        r.post(op("beat", "Send a heartbeat: be online for the next 90 seconds", Anyone), status::beat)
            .delete(op("goOffline", "Go offline", Anyone), status::go_offline);
    });
}
