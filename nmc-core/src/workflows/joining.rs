//! Who joins a call and leaves it, as somebody tells: callbacks about a call don't say.

use crate::access::Permission;
use crate::calls::{CallParticipant, CallParticipantFilter, MOST_PARTICIPANTS, NewCallParticipant};
use crate::store::TenantTx;
use crate::{CallId, CallParticipantId, CallerIdentity, Error, PageRequest, ParticipantType, Result, UserId};

/// A party that joins a call.
#[derive(Debug, Clone)]
pub enum Joining {
    /// Somebody at this number or address.
    Phone(CallerIdentity),
    /// A user, at the phone number of their profile.
    User(UserId),
}

impl TenantTx<'_> {
    /// Records a party that joins a call now. Of one that is in it already in the same part, the row that is there is returned, so that a
    /// request may be repeated.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a call; [`Error::Forbidden`] of another user without [`Permission::ProfilesRead`];
    /// [`Error::Invalid`] of a user who is not there or has no phone number; [`Error::Conflict`] when the call is over, or has as
    /// many parties as are listed.
    pub fn join_call(&mut self, call: CallId, who: &Joining, participant_type: ParticipantType) -> Result<CallParticipant> {
        // Under the call's lock its parties are counted.
        let call = self.calls().lock(call)?;
        let call_id = call.id;
        let phone_number = match who {
            Joining::Phone(phone) => phone.clone(),
            Joining::User(user) => CallerIdentity::Phone(self.phone_of(*user)?),
        };
        let of_call = CallParticipantFilter { call: Some(call_id), ..CallParticipantFilter::default() };
        let the_same = CallParticipantFilter {
            phone_number: Some(phone_number.clone()),
            participant_type: Some(participant_type),
            present: Some(true),
            ..of_call
        };
        // Who withholds their number may be another one.
        if phone_number != CallerIdentity::Anonymous
            && let Some(there) = self.call_participants().list(&the_same, PageRequest::first())?.items.into_iter().next()
        {
            return Ok(there);
        }
        if !call.call_status.is_active() {
            return Err(Error::conflict("call_id", "names a call that is over: nobody joins it any more"));
        }
        if self.call_participants().count(&of_call)? >= MOST_PARTICIPANTS {
            return Err(Error::conflict("call_id", "has as many parties as a call may have"));
        }
        self.call_participants().create(&NewCallParticipant { call_id, phone_number, participant_type })
    }

    /// Records that a party of this call leaves it now. Leaving twice is leaving once.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a party of this call.
    pub fn leave_call(&mut self, call: CallId, party: CallParticipantId) -> Result<CallParticipant> {
        // As joining does, so that nobody leaves before they joined.
        let call = self.calls().lock(call)?.id;
        match self.call_participants().find(party)? {
            Some(row) if row.call_id == call => self.call_participants().leave(party),
            _ => Err(Error::NotFound { entity: "participant" }),
        }
    }

    /// The phone number of a user's profile, which the answer shows.
    fn phone_of(&mut self, user: UserId) -> Result<crate::PhoneNumber> {
        self.must_for(user, Permission::ProfilesRead)?;
        self.users().find(user)?.ok_or(Error::invalid("user_id", "must be an existing user"))?;
        let profile = self.profiles().find_by_user(user)?;
        let phone = profile.and_then(|profile| profile.phone_number);
        phone.ok_or(Error::invalid("user_id", "must be a user with a phone number in their profile"))
    }
}
