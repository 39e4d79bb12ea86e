//! Registering a business: the tenant, its settings and its owner, all or nothing, and once however
//! often the request is repeated.

use crate::access::{Authenticator, Password, TokenHash, words_of};
use crate::error::found;
use crate::people::{self, NewPerson, User};
use crate::schema::{tenants, users};
use crate::store::{Reason, SystemTx, Tenant, TenantTx};
use crate::tenants::{NewTenant, TenantRow};
use crate::types::required;
use crate::{Email, Error, PhoneNumber, Result, Secret, TenantId, UserRole};
use diesel::prelude::*;

/// A business that registers itself.
#[derive(Debug, Clone)]
pub struct Registration {
    /// The business to register.
    pub business: NewTenant,
    /// The e-mail address with which the owner logs in; unique over all tenants.
    pub email: Email,
    /// The password of the owner.
    pub password: Secret,
    /// The given name of the owner; up to 100 characters.
    pub first_name: String,
    /// The family name of the owner; up to 100 characters.
    pub last_name: String,
    /// The phone number at which to reach the owner.
    pub phone_number: Option<PhoneNumber>,
}

/// A business that is registered.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Registered {
    /// The proof that a transaction may act for the business.
    pub tenant: Tenant,
    /// The row of the business.
    pub business: TenantRow,
    /// The owner of the business.
    pub owner: User,
    /// Whether the business was registered just now; else an earlier request with the same key has done it.
    pub is_new: bool,
}

const REPEATED: Error = Error::conflict("Idempotency-Key", "was used for another registration");

impl Authenticator {
    /// Registers a business with its owner, their profile, preferences and presence, and its settings with their defaults,
    /// in one transaction. It waits for an operator's approval. With a `key` that the caller made up (up to 255 characters), a repeated request returns what the
    /// first one made.
    ///
    /// # Errors
    /// [`Error::Conflict`] on a name, phone or e-mail that is taken, and on a key that another registration came with;
    /// [`Error::Invalid`] on a broken rule.
    pub fn register(&self, new: &Registration, key: Option<&str>) -> Result<Registered> {
        self.registered(new, key, false)
    }

    /// Registers a business as [`Self::register`] does, approved: for operators, and for platforms where registration is open.
    ///
    /// # Errors
    /// As [`Self::register`].
    pub fn register_approved(&self, new: &Registration, key: Option<&str>) -> Result<Registered> {
        self.registered(new, key, true)
    }

    /// Queues the mail with which the owner of a business that was registered just now shows that their address is theirs: for
    /// platforms that send mails.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn mail_verification_of(&self, registered: &Registered) -> Result<()> {
        if !registered.is_new || registered.owner.email_verified {
            return Ok(());
        }
        self.store().system(Reason::Operations, |tx| {
            people::mail_verification_to(&mut TenantTx(tx.scope(registered.tenant.id())), &registered.owner)
        })
    }

    fn registered(&self, new: &Registration, key: Option<&str>, approved: bool) -> Result<Registered> {
        let password = Password::new("password", &new.password)?;
        let known = words_of(&new.email, &new.first_name, &new.last_name, &new.business.business_name);
        password.must_not_name("password", &known.each_ref().map(String::as_str))?;
        let key = key.map(|key| required("Idempotency-Key", key, 255)).transpose()?;
        // Two callers who think of the same key are told apart by their address.
        let key = key.map(|key| TokenHash::of(&Secret::new(format!("{}\0{key}", new.email))).hex());
        let earlier = || {
            let Some(key) = &key else { return Ok(None) };
            let found = self.store().system(Reason::Operations, |tx| tx.find_registered(key, new))?;
            let Some((registered, password_hash)) = found else { return Ok(None) };
            // Who repeats it knows the password; whoever guessed the key does not.
            let is_repeated = self.hasher().verify(&new.password, Some(&password_hash))?;
            if is_repeated { Ok(Some(registered)) } else { Err(REPEATED) }
        };
        if let Some(earlier) = earlier()? {
            return Ok(earlier);
        }
        let hash = self.hasher().hash(&password)?;
        let make = || self.store().system(Reason::Operations, |tx| tx.register(new, &hash, key.as_deref(), approved));
        let made = match make() {
            Err(Error::Conflict { field: "email", .. }) if self.free_address(&new.email)? => make(),
            made => made,
        };
        match made {
            // Of two at once the second finds the name taken, by itself.
            Err(conflict @ Error::Conflict { .. }) => earlier()?.ok_or(conflict),
            made => made,
        }
    }
}

impl SystemTx<'_> {
    fn find_registered(&mut self, key: &str, new: &Registration) -> Result<Option<(Registered, String)>> {
        let business: Option<TenantRow> =
            TenantRow::query().filter(tenants::registration_key.eq(key)).first(self.conn).optional()?;
        let Some(business) = business else { return Ok(None) };
        let owner: Option<(User, String)> = users::table
            .filter(users::tenant_id.eq(business.id))
            .filter(users::email.eq(&new.email))
            .select((User::as_select(), users::password_hash))
            .first(self.conn)
            .optional()?;
        let owner = owner.filter(|_| business.business_name == new.business.business_name.trim());
        let (owner, password_hash) = owner.ok_or(REPEATED)?;
        Ok(Some((Registered { tenant: Tenant::proven(business.id), business, owner, is_new: false }, password_hash)))
    }

    fn register(&mut self, new: &Registration, password_hash: &str, key: Option<&str>, approved: bool) -> Result<Registered> {
        let id = self.create_tenant(&new.business)?.id;
        if approved {
            self.approve_tenant(id)?;
        }
        let person = NewPerson {
            email: new.email.clone(),
            first_name: new.first_name.clone(),
            last_name: new.last_name.clone(),
            phone_number: new.phone_number.clone(),
            timezone: None,
            role: UserRole::Owner,
        };
        let mut tx = TenantTx(self.scope(id));
        tx.business_settings().insert_defaults()?;
        let owner = people::add(&mut tx, &person, password_hash)?;
        let business = self.set_registration_key(id, key)?;
        Ok(Registered { tenant: Tenant::proven(id), business, owner, is_new: true })
    }

    fn set_registration_key(&mut self, id: TenantId, key: Option<&str>) -> Result<TenantRow> {
        let row = diesel::update(tenants::table)
            .filter(tenants::id.eq(id))
            .set((tenants::registration_key.eq(key), tenants::updated_at.eq(self.now())))
            .returning(TenantRow::as_returning())
            .get_result(self.conn)
            .optional()?;
        found(row, "tenant")
    }
}
