//! How photos are kept in their directory, and how a profile changes its own.

use super::{Dir, a_photo, jpeg, picture, png, prepare};
use crate::support::Scene;
use image::{Rgba, RgbaImage};
use nmc_core::Uploads;
use nmc_core::access::Acting;
use nmc_core::people::{NewProfile, NewUser, Photo, PhotoPath, Profile, ProfilePatch, change_photo, forget_photo, set_photo};
use nmc_core::testing::{Business, Gate};
use nmc_core::{Error, Patch, Result, Tenant, UserId, UserRole};
use std::os::unix::fs::{PermissionsExt as _, symlink};

fn another_photo() -> Photo {
    prepare(&jpeg(&picture(30, 60))).unwrap()
}

fn is_missing<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::NotFound { entity: "photo" }))
}

#[test]
fn photo_is_kept_once_under_its_hash_and_read_with_its_type() {
    let (dir, scene) = (Dir::new(), Scene::new());
    let (uploads, tenant) = (dir.uploads(), scene.business.tenant);
    let clear = prepare(&png(&RgbaImage::from_pixel(9, 9, Rgba([1, 2, 3, 4])).into())).unwrap();
    for (photo, end, media_type) in [(a_photo(), ".jpg", "image/jpeg"), (clear, ".png", "image/png")] {
        let path = uploads.keep(&tenant, &photo).unwrap();
        let begin = format!("profiles/{}/", tenant.id());
        let text = path.to_string();
        let hash = text.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(end)).unwrap();
        assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
        assert_eq!(text.parse::<PhotoPath>().unwrap(), path);
        assert_eq!(uploads.open(&tenant, &text).unwrap(), (photo.bytes().to_vec(), media_type));

        let file = dir.0.join("uploads").join(&text);
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let folders = file.ancestors().skip(1).take(3).map(mode).collect::<Vec<_>>();
        assert_eq!((mode(&file), folders), (0o640, vec![0o750; 3]));
        let written = file.metadata().unwrap().modified().unwrap();
        assert_eq!(uploads.keep(&tenant, &photo).unwrap(), path, "twice is once");
        assert_eq!(file.metadata().unwrap().modified().unwrap(), written);
    }
    assert_eq!(dir.files().len(), 2);
    for file in dir.files() {
        let path: PhotoPath = file.strip_prefix("uploads/").unwrap().parse().unwrap();
        uploads.remove(&tenant, &path).unwrap();
        uploads.remove(&tenant, &path).unwrap();
        assert!(is_missing(&uploads.open(&tenant, &path.to_string())));
    }
    assert_eq!(dir.files(), Vec::<String>::new());
}

#[test]
fn path_out_of_the_directory_or_tenant_is_refused() {
    let (dir, scene) = (Dir::new(), Scene::new());
    let (uploads, tenant) = (dir.uploads(), scene.business.tenant);
    let other = Business::onboard(&scene.db.store, "Somebody Else").tenant;
    let path = uploads.keep(&tenant, &a_photo()).unwrap();
    let (own, file) = (path.to_string(), path.to_string().rsplit('/').next().unwrap().to_owned());
    let (id, theirs) = (tenant.id().to_string(), other.id().to_string());
    let secret = dir.0.join(&file);
    std::fs::write(&secret, "a secret").unwrap();
    for bad in [
        "",
        "/",
        "/etc/passwd",
        "../../etc/passwd",
        "profiles",
        "profiles/",
        &format!("profiles/{id}"),
        &format!("profiles/{id}/"),
        &format!("/{own}"),
        &format!("./{own}"),
        &format!("{own}/"),
        &format!("{own}\0"),
        &format!("{own} "),
        &format!("uploads/{own}"),
        &format!("profiles/../{file}"),
        &format!("profiles/{id}/../../../{file}"),
        &format!("profiles/{id}/..%2f..%2f{file}"),
        &format!("profiles//{id}/{file}"),
        &format!("profiles/{}/{file}", id.to_uppercase()),
        &format!("profiles/{}/{file}", id.replace('-', "")),
        &format!("profiles/{{{id}}}/{file}"),
        &format!("profiles/{id}/{}", file.to_uppercase()),
        &format!("profiles/{id}/{}", file.replace(".jpg", ".png")),
        &format!("profiles/{id}/{}", file.replace(".jpg", ".html")),
        &format!("profiles/{id}/{}.jpg", file),
        &format!("profiles/{id}/{}.jpg", "g".repeat(64)),
        &format!("profiles/{id}/{}.jpg", "0".repeat(64)),
        &format!("profiles/{theirs}/{file}"),
        "https://example.com/a.jpg",
        secret.to_str().unwrap(),
    ] {
        assert!(is_missing(&uploads.open(&tenant, bad)), "{bad:?}");
    }
    // What is another's is like what is not there, and can't be removed.
    assert!(is_missing(&uploads.open(&other, &own)) && is_missing(&uploads.remove(&other, &path)));
    assert!(uploads.open(&tenant, &own).is_ok());
    let nowhere = Uploads::new(dir.0.join("never made"));
    assert!(is_missing(&nowhere.open(&tenant, &own)));
    nowhere.remove(&tenant, &path).unwrap();
}

#[test]
fn no_symbolic_link_is_followed() {
    let (dir, scene) = (Dir::new(), Scene::new());
    let tenant = scene.business.tenant;
    let (inside, outside) = (dir.0.join("uploads"), dir.0.join("outside"));
    let path = dir.uploads().keep(&tenant, &a_photo()).unwrap();
    let (own, folder) = (inside.join(path.to_string()), format!("profiles/{}", tenant.id()));
    let refused = |uploads: &Uploads| {
        assert!(is_missing(&uploads.open(&tenant, &path.to_string())));
        uploads.remove(&tenant, &path).unwrap();
    };

    // In the file's place: it is not read, and a new photo replaces the link, not what it points at.
    std::fs::create_dir(&outside).unwrap();
    let secret = outside.join("secret");
    std::fs::write(&secret, "a secret").unwrap();
    std::fs::remove_file(&own).unwrap();
    symlink(&secret, &own).unwrap();
    assert!(is_missing(&dir.uploads().open(&tenant, &path.to_string())));
    dir.uploads().keep(&tenant, &a_photo()).unwrap();
    assert_eq!(dir.uploads().open(&tenant, &path.to_string()).unwrap().0, a_photo().bytes());
    assert_eq!(std::fs::read(&secret).unwrap(), b"a secret");

    // In a folder's place: nothing is read, written or removed through it.
    for moved in [folder.as_str(), "profiles"] {
        std::fs::rename(inside.join(moved), outside.join("moved")).unwrap();
        symlink(outside.join("moved"), inside.join(moved)).unwrap();
        let before = dir.files();
        refused(&dir.uploads());
        assert!(matches!(dir.uploads().keep(&tenant, &another_photo()), Err(Error::Unavailable { .. })), "{moved}");
        assert_eq!(dir.files(), before, "{moved}");
        std::fs::remove_file(inside.join(moved)).unwrap();
        std::fs::rename(outside.join("moved"), inside.join(moved)).unwrap();
    }
}

#[test]
fn unwritable_directory_is_told_and_left_as_it_was() {
    let (dir, scene) = (Dir::new(), Scene::new());
    let tenant = scene.business.tenant;
    let path = dir.uploads().keep(&tenant, &a_photo()).unwrap();
    let file = dir.0.join("file");
    std::fs::write(&file, "a file").unwrap();
    // A directory where the photo is to lie: all is written but the last step.
    let in_the_way = dir.0.join("uploads").join(path.to_string());
    std::fs::remove_file(&in_the_way).unwrap();
    std::fs::create_dir(&in_the_way).unwrap();
    std::fs::write(in_the_way.join("x"), "").unwrap();
    let before = dir.files();
    for uploads in [Uploads::new(&file), Uploads::new(file.join("below")), Uploads::new("/proc/nmc"), dir.uploads()] {
        let error = uploads.keep(&tenant, &a_photo()).unwrap_err();
        assert_eq!(error.to_string(), "photos can't be kept right now; try again in a moment", "{uploads:?}");
        assert!(error.causes().contains(": ") && !error.to_string().contains('/'), "{}", error.causes());
        let user = profile(&scene, "ada").user_id;
        assert!(change_photo(&scene.db.store, &Acting::Application(tenant), &uploads, user, Some(&a_photo())).is_err());
        assert_eq!(scene.tx(|tx| tx.profiles().get_by_user(user)).unwrap().profile_photo_url, None);
        assert_eq!(dir.files(), before, "{uploads:?}");
    }
    let error = dir.uploads().remove(&tenant, &path).unwrap_err();
    assert_eq!(error.to_string(), "photos can't be removed right now; try again in a moment");
}

fn profile(scene: &Scene, name: &str) -> Profile {
    let new = NewUser {
        email: format!("{name}{}@example.com", uuid::Uuid::new_v4().simple()).parse().unwrap(),
        password_hash: "$2b$04$".to_owned(),
        first_name: None,
        last_name: None,
        role: UserRole::User,
        email_verified: true,
    };
    scene
        .tx(|tx| {
            let user_id = tx.users().create(&new)?.id;
            let (first_name, last_name) = (name.to_owned(), "Smith".to_owned());
            tx.profiles().create(&NewProfile {
                user_id,
                first_name,
                last_name,
                display_name: None,
                phone_number: None,
                timezone: None,
            })
        })
        .unwrap()
}

/// Two people of a business, and what they do with their photos.
struct Two {
    dir: Dir,
    scene: Scene,
    uploads: Uploads,
    ada: UserId,
    ben: UserId,
}

impl Two {
    fn new() -> Self {
        let (dir, scene) = (Dir::new(), Scene::new());
        let [ada, ben] = ["ada", "ben"].map(|name| profile(&scene, name).user_id);
        scene.tick();
        Self { uploads: dir.uploads(), dir, scene, ada, ben }
    }

    fn tenant(&self) -> Tenant {
        self.scene.business.tenant
    }

    fn change(&self, user: UserId, photo: Option<&Photo>) -> Option<String> {
        change_photo(&self.scene.db.store, &Acting::Application(self.tenant()), &self.uploads, user, photo)
            .unwrap()
            .profile_photo_url
    }

    fn path(&self, photo: &Photo) -> PhotoPath {
        self.uploads.keep(&self.tenant(), photo).unwrap()
    }

    /// The files, which are those that the profiles name.
    fn files(&self) -> Vec<String> {
        let named = "SELECT DISTINCT profile_photo_url FROM user_profiles WHERE profile_photo_url LIKE 'profiles/%'";
        let mut named: Vec<String> = self.scene.db.query(named);
        named.sort();
        let files: Vec<String> = self.dir.files().iter().map(|file| file.strip_prefix("uploads/").unwrap().to_owned()).collect();
        assert_eq!(files, named, "the files, and what profiles name");
        files
    }
}

#[test]
fn a_file_stays_as_long_as_somebody_of_the_business_has_it() {
    let two = Two::new();
    let (one, other) = (a_photo(), another_photo());
    let first = two.change(two.ada, Some(&one)).unwrap();
    assert_eq!(two.change(two.ben, Some(&one)).as_ref(), Some(&first), "the same picture is one file");
    assert_eq!(two.files(), std::slice::from_ref(&first));
    let second = two.change(two.ada, Some(&other)).unwrap();
    assert_eq!(two.files().len(), 2, "it is still ben's");
    assert_eq!(two.uploads.open(&two.tenant(), &first).unwrap().0, one.bytes());
    assert_eq!(two.change(two.ada, Some(&other)).as_ref(), Some(&second), "the same again");
    assert_eq!(two.files().len(), 2);
    assert_eq!(two.change(two.ben, None), None);
    assert_eq!(two.files(), [second]);
    assert_eq!((two.change(two.ben, None), two.change(two.ada, None)), (None, None));
    assert_eq!(two.files(), Vec::<String>::new());
}

#[test]
fn picture_has_a_file_in_each_business_and_no_foreign_profile() {
    let (two, other) = (Two::new(), Scene::new());
    let one = two.change(two.ada, Some(&a_photo())).unwrap();
    let neighbour = Business::onboard(&two.scene.db.store, "Somebody Else").tenant;
    for stranger in [two.ada, other.staff] {
        let refused =
            change_photo(&two.scene.db.store, &Acting::Application(neighbour), &two.uploads, stranger, Some(&another_photo()));
        assert!(matches!(refused, Err(Error::NotFound { entity: "profile" })), "{refused:?}");
    }
    let store = &two.scene.db.store;
    let path: PhotoPath = one.parse().unwrap();
    let forgotten = store.tenant(&neighbour, |tx| forget_photo(tx, &two.uploads, &path));
    assert!(matches!(forgotten, Err(Error::NotFound { entity: "photo" })), "{forgotten:?}");
    assert_eq!(two.files(), [one]);
}

#[test]
fn change_tells_what_it_replaced_and_removes_after_its_commit() {
    let two = Two::new();
    let (one, other) = (a_photo(), another_photo());
    let set = |user, photo: Option<&Photo>| two.scene.tx(|tx| set_photo(tx, &two.uploads, user, photo)).unwrap();
    assert_eq!(set(two.ada, Some(&one)).replaced, None);
    let at = two.scene.tick();
    let change = set(two.ada, Some(&other));
    assert_eq!((change.replaced, change.profile.updated_at), (Some(two.path(&one)), at));
    assert_eq!(set(two.ada, Some(&other)).replaced, None, "nothing, by itself");
    assert_eq!(two.dir.files().len(), 2, "the old file is still there");
    assert!(two.scene.tx(|tx| forget_photo(tx, &two.uploads, &two.path(&one))).unwrap());
    assert!(!two.scene.tx(|tx| forget_photo(tx, &two.uploads, &two.path(&other))).unwrap(), "it is ada's");
    assert_eq!(two.files().len(), 1);

    // A transaction that fails leaves the row, its file, and a file too many.
    let failed: Result<()> = two.scene.tx(|tx| {
        set_photo(tx, &two.uploads, two.ada, Some(&one))?;
        Err(Error::Forbidden("on second thoughts"))
    });
    assert!(failed.is_err());
    let kept = two.scene.tx(|tx| tx.profiles().get_by_user(two.ada)).unwrap().profile_photo_url.unwrap();
    assert_eq!(kept, two.path(&other).to_string());
    assert!(two.uploads.open(&two.tenant(), &kept).is_ok());

    // An address elsewhere, or another tenant's path, is nothing of ours to remove.
    let strange = format!("profiles/{}/{}.jpg", uuid::Uuid::now_v7(), "0".repeat(64));
    for address in ["https://example.com/a.png", &strange] {
        let url = ProfilePatch { profile_photo_url: Patch::Set(address.to_owned()), ..ProfilePatch::default() };
        let id = two.scene.tx(|tx| tx.profiles().get_by_user(two.ben)).unwrap().id;
        two.scene.tx(|tx| tx.profiles().update(id, &url)).unwrap();
        assert_eq!(set(two.ben, None).replaced, None);
    }
}

/// Ben takes the picture that ada gives up. Whoever comes first, the file that his profile names is there.
#[test]
fn nobody_removes_a_file_that_another_is_about_to_name() {
    for ben_first in [true, false] {
        let two = Two::new();
        let one = a_photo();
        two.change(two.ada, Some(&one));
        let path = two.scene.tx(|tx| set_photo(tx, &two.uploads, two.ada, None)).unwrap().replaced.unwrap();
        let go = Gate::default();
        let db = &two.scene.db;
        // Both wait for the one lock; the second begins when the first has done its work, and before its commit.
        let take = |done: &dyn Fn()| {
            two.scene.tx(|tx| set_photo(tx, &two.uploads, two.ben, Some(&one)).inspect(|_| done())).unwrap();
        };
        let forget = |done: &dyn Fn()| {
            two.scene.tx(|tx| forget_photo(tx, &two.uploads, &path).inspect(|_| done())).unwrap();
        };
        let signal = || {
            go.open();
            db.wait_for_waiting_sessions(1);
        };
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                go.wait();
                if ben_first { forget(&|| ()) } else { take(&|| ()) }
            });
            if ben_first {
                take(&signal)
            } else {
                forget(&signal)
            }
            second.join().unwrap();
        });
        assert_eq!(two.files(), [path.to_string()], "{ben_first}");
    }
}
