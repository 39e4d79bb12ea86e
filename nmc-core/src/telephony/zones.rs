//! The time zones that a number may be in, as far as its digits tell. A mobile travels, but its area code is the best that is known.

use crate::{PhoneNumber, Timezone};
use chrono_tz::Tz;
use chrono_tz::{Africa, America, Asia, Atlantic, Australia, Europe, Indian, Pacific};

impl PhoneNumber {
    /// The zones that it may be in: several where its area or its country lies in several. Empty where nothing is known.
    #[must_use]
    pub fn zones(&self) -> Vec<Timezone> {
        let zones = match self.area_code() {
            Some(area) => AREAS.iter().find(|(_, areas)| areas.split_whitespace().any(|of| of == area)).map(|(zones, _)| *zones),
            None => self.country().and_then(|country| {
                let is_its = |codes: &str| codes.split_whitespace().any(|of| of == country.as_str());
                COUNTRIES.iter().find(|(_, codes)| is_its(codes)).map(|(zones, _)| *zones)
            }),
        };
        zones.unwrap_or_default().iter().copied().map(Timezone::of).collect()
    }
}

/// Area codes of North America by their zones. A code stands once.
#[rustfmt::skip] // a table
const AREAS: &[(&[Tz], &str)] = &[
    (&[America::New_York],
        "201 202 203 207 212 215 216 220 223 227 229 234 239 240 248 252 267 272 276 283 301 302 304 305 313 315 317 321 324 326 329 330
         332 336 339 347 351 352 363 380 386 401 404 407 410 412 413 419 434 436 440 443 445 463 470 472 475 478 484 502 508 513 516 517
         518 540 551 561 567 570 571 582 585 586 603 607 609 610 614 616 617 624 631 640 645 646 656 667 678 679 680 681 686 689 703 704
         706 716 717 718 724 727 728 732 734 740 743 754 757 762 765 770 771 772 774 781 786 802 803 804 810 813 814 821 826 828 835 838
         839 843 845 848 854 856 857 859 860 861 862 863 864 865 878 904 908 910 912 914 917 919 929 934 937 941 943 947 948 954 959 973
         978 980 984 989 231 260 269"),
    (&[America::Chicago],
        "205 210 214 217 218 224 225 228 235 251 254 256 262 274 281 309 312 314 318 319 320 325 327 331 334 337 346 353 361 402 405 409
         414 417 430 447 457 464 469 471 479 483 501 504 507 512 515 531 534 539 557 563 572 573 580 601 608 612 615 618 621 629 630 636 641 651 659
         660 662 682 708 712 713 715 726 730 731 737 763 769 773 779 806 815 816 817 830 832 847 870 872 901 903 913 918 920 924 931 936 938
         940 945 952 956 972 975 979 985 316 432"),
    (&[America::Denver], "303 307 385 406 435 505 575 719 720 748 801 915 970 983"),
    (&[America::Phoenix], "480 520 602 623"),
    (&[America::Los_Angeles],
        "206 209 213 253 279 310 323 341 350 357 360 369 408 415 424 425 442 503 509 510 530 559 562 564 619 626 628 650 657 661 669 702
         707 714 725 738 747 760 805 818 820 831 837 840 858 909 916 925 949 951 971"),
    (&[America::Anchorage, America::Adak], "907"),
    (&[Pacific::Honolulu], "808"),
    // Areas that lie on both sides of a line.
    (&[America::Chicago, America::New_York], "219 270 364 423 448 574 606 812 850 906 930"),
    (&[America::Chicago, America::Denver], "308 605 620 701 785"),
    (&[America::Phoenix, America::Denver], "928"),
    (&[America::Denver, America::Los_Angeles], "208 458 541 775 986"),
    // Canada.
    (&[America::Toronto], "226 249 263 273 289 343 354 365 382 416 437 438 450 468 514 519 548 579 613 647 683 705 742 753 819 873 905 942"),
    (&[America::Toronto, America::Halifax], "367 418 581"),
    (&[America::Toronto, America::Winnipeg], "807"),
    (&[America::Winnipeg], "204 431 584"),
    (&[America::Regina, America::Edmonton], "306 474 639"),
    (&[America::Edmonton], "368 403 587 780 825"),
    (&[America::Vancouver], "604"),
    (&[America::Vancouver, America::Edmonton, America::Fort_Nelson], "236 250 257 672 778"),
    (&[America::Halifax], "428 506 782 902"),
    (&[America::St_Johns, America::Goose_Bay], "709 879"),
    (&[America::Whitehorse, America::Edmonton, America::Winnipeg, America::Toronto], "867"),
    // The islands.
    (&[America::Puerto_Rico],
        "246 264 268 284 340 473 664 721 758 767 784 787 809 829 849 868 869 939"),
    (&[Atlantic::Bermuda], "441"),
    (&[America::Nassau], "242"),
    (&[America::Jamaica], "658 876"),
    (&[America::Cayman], "345"),
    (&[America::Grand_Turk], "649"),
    (&[Pacific::Guam], "670 671"),
    (&[Pacific::Pago_Pago], "684"),
];

/// Countries by their zones.
#[rustfmt::skip] // a table
const COUNTRIES: &[(&[Tz], &str)] = &[
    (&[Europe::London], "GB"), (&[Europe::Dublin], "IE"), (&[Europe::Paris], "FR MC"), (&[Europe::Berlin], "DE"), (&[Europe::Rome], "IT SM VA"),
    (&[Europe::Madrid, Atlantic::Canary], "ES"), (&[Europe::Lisbon, Atlantic::Azores], "PT"), (&[Europe::Amsterdam], "NL"),
    (&[Europe::Brussels], "BE"), (&[Europe::Luxembourg], "LU"), (&[Europe::Zurich], "CH LI"), (&[Europe::Vienna], "AT"),
    (&[Europe::Copenhagen], "DK"), (&[Europe::Oslo], "NO"), (&[Europe::Stockholm], "SE"), (&[Europe::Helsinki], "FI"),
    (&[Europe::Warsaw], "PL"), (&[Europe::Prague], "CZ SK"), (&[Europe::Budapest], "HU"), (&[Europe::Bucharest], "RO"),
    (&[Europe::Sofia], "BG"), (&[Europe::Athens], "GR"), (&[Europe::Belgrade], "RS HR SI BA ME MK XK"), (&[Europe::Tirane], "AL"),
    (&[Europe::Tallinn], "EE"), (&[Europe::Riga], "LV"), (&[Europe::Vilnius], "LT"), (&[Europe::Chisinau], "MD"), (&[Europe::Kyiv], "UA"),
    (&[Europe::Minsk], "BY"), (&[Europe::Istanbul], "TR"), (&[Europe::Malta], "MT"), (&[Europe::Gibraltar], "GI"), (&[Europe::Andorra], "AD"),
    (&[Atlantic::Reykjavik], "IS"), (&[Atlantic::Faroe], "FO"), (&[Asia::Nicosia], "CY"),
    (&[Europe::Kaliningrad, Europe::Moscow, Asia::Yekaterinburg, Asia::Novosibirsk, Asia::Vladivostok, Asia::Kamchatka], "RU"),
    (&[Africa::Cairo], "EG"), (&[Africa::Johannesburg], "ZA LS SZ"), (&[Africa::Casablanca], "MA"), (&[Africa::Algiers], "DZ"),
    (&[Africa::Tunis], "TN"), (&[Africa::Tripoli], "LY"), (&[Africa::Lagos], "NG BJ NE TD CM GA AO CG CF GQ"),
    (&[Africa::Abidjan], "CI GH SN ML GN GM MR BF TG SL LR SH"), (&[Africa::Nairobi], "KE TZ UG ET SO DJ ER MG KM"),
    (&[Africa::Maputo], "MZ ZM ZW MW BW RW BI"), (&[Africa::Khartoum], "SD"), (&[Africa::Windhoek], "NA"), (&[Atlantic::Cape_Verde], "CV"),
    (&[Indian::Mauritius], "MU SC RE"),
    (&[Asia::Jerusalem], "IL"), (&[Asia::Gaza], "PS"), (&[Asia::Beirut], "LB"), (&[Asia::Amman], "JO"), (&[Asia::Damascus], "SY"),
    (&[Asia::Baghdad], "IQ"), (&[Asia::Riyadh], "SA KW YE BH QA"), (&[Asia::Dubai], "AE OM"), (&[Asia::Tehran], "IR"),
    (&[Asia::Kabul], "AF"), (&[Asia::Karachi], "PK"), (&[Asia::Kolkata], "IN LK"), (&[Asia::Kathmandu], "NP"), (&[Asia::Dhaka], "BD BT"),
    (&[Asia::Yangon], "MM"), (&[Asia::Bangkok], "TH VN KH LA"), (&[Asia::Kuala_Lumpur], "MY SG BN"), (&[Asia::Manila], "PH"),
    (&[Asia::Jakarta, Asia::Makassar, Asia::Jayapura], "ID"), (&[Asia::Shanghai], "CN"), (&[Asia::Hong_Kong], "HK MO"),
    (&[Asia::Taipei], "TW"), (&[Asia::Tokyo], "JP"), (&[Asia::Seoul], "KR"), (&[Asia::Tbilisi], "GE"), (&[Asia::Yerevan], "AM"),
    (&[Asia::Baku], "AZ"), (&[Asia::Tashkent], "UZ TJ TM"), (&[Asia::Almaty], "KZ"), (&[Asia::Bishkek], "KG"), (&[Asia::Ulaanbaatar, Asia::Hovd], "MN"),
    (&[Australia::Perth, Australia::Darwin, Australia::Adelaide, Australia::Brisbane, Australia::Sydney], "AU"),
    (&[Pacific::Auckland, Pacific::Chatham], "NZ"), (&[Pacific::Fiji], "FJ"), (&[Pacific::Port_Moresby], "PG"),
    (&[America::Tijuana, America::Hermosillo, America::Chihuahua, America::Mexico_City, America::Cancun], "MX"),
    (&[America::Guatemala], "GT SV HN NI CR BZ"), (&[America::Panama], "PA"), (&[America::Havana], "CU"), (&[America::PortauPrince], "HT"),
    (&[America::Bogota], "CO"), (&[America::Lima], "PE"), (&[America::Caracas], "VE"), (&[America::La_Paz], "BO"),
    (&[America::Guayaquil, Pacific::Galapagos], "EC"), (&[America::Santiago, America::Punta_Arenas, Pacific::Easter], "CL"),
    (&[America::Argentina::Buenos_Aires], "AR"), (&[America::Montevideo], "UY"), (&[America::Asuncion], "PY"), (&[America::Guyana], "GY"),
    (&[America::Paramaribo], "SR"), (&[America::Puerto_Rico], "GP MQ AW CW BQ"), (&[America::Cayenne], "GF"),
    (&[America::Rio_Branco, America::Manaus, America::Sao_Paulo, America::Noronha], "BR"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn zones(text: &str) -> Vec<&'static str> {
        text.parse::<PhoneNumber>().unwrap().zones().into_iter().map(|zone| zone.as_str()).collect()
    }

    #[test]
    fn a_zone_is_read_from_the_area_or_the_country() {
        for (text, known) in [
            ("+12125550123", &["America/New_York"][..]),
            ("+13125550123", &["America/Chicago"]),
            ("+16025550123", &["America/Phoenix"]),
            ("+14155550123", &["America/Los_Angeles"]),
            ("+18505550123", &["America/Chicago", "America/New_York"]),
            ("+18085550123", &["Pacific/Honolulu"]),
            ("+17095550123", &["America/St_Johns", "America/Goose_Bay"]),
            ("+447700900123", &["Europe/London"]),
            ("+919876543210", &["Asia/Kolkata"]),
            ("+97798412345678", &["Asia/Kathmandu"]),
            ("+15550000001", &[]),
            ("+18005550123", &[]),
            ("+88163123456", &[]),
        ] {
            assert_eq!(zones(text), known, "{text}");
        }
    }

    #[test]
    fn each_area_and_each_country_stands_once() {
        for table in [AREAS, COUNTRIES] {
            let mut seen = HashSet::new();
            for (_, codes) in table {
                for code in codes.split_whitespace() {
                    assert!(seen.insert(code), "{code} stands twice");
                }
            }
        }
    }
}
