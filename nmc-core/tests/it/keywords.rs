//! What people write when they want no more texts, and what only looks like it.

use nmc_core::conversations::{Keyword, Reading};
use proptest::prelude::*;

const OPT_OUTS: &[&str] = &[
    "PARE",
    "STOP\u{2800}please",
    "\u{3164}STOP\u{115f}",
    "ST OP",
    "ЅТОР",
    "s.top",
    "st0p",
    "UNSUB",
    "unsub please",
    "Stop Stop please stop",
    "stop, please and thank you",
    "STOP / ARRET",
    "STOP TXT",
    "STOP 1",
    "get me off this list",
    "Remove number",
    "cancel my subscription",
    "¡Ya basta!",
    "No enviar más mensajes",
    "N'envoyez plus de messages",
    "ne plus recevoir",
    "stoppez",
    "cessez",
    "annuler",
    "suprimir",
    "cease",
    "STOP",
    "stopall",
    "Stop all",
    "Unsubscribe",
    "CANCEL",
    "End",
    "quit",
    "REVOKE",
    "OptOut",
    "opt out",
    "Opt-out",
    "stop2quit",
    "STOP to opt out",
    "S.T.O.P.",
    "s t o p",
    "STOPP",
    "stoooop",
    "STOPSTOPSTOP",
    "STOP STOP",
    "Stop. Stop! STOP",
    "Please stop",
    "Stop please",
    "stop, thank you",
    "Stop. Thank you",
    "No thanks, stop",
    "ok stop",
    "STOP NOW",
    "Just stop",
    "stop texting me",
    "Stop texting",
    "please stop texting me!",
    "Can you please stop texting me",
    "I want you to stop messaging me",
    "stop messaging me please",
    "Stop sending me messages",
    "stop sending texts",
    "quit texting me",
    "stop all messages",
    "Stop the texts",
    "stop these messages please",
    "Stop texting this number",
    "no more texts",
    "No more messages please",
    "no more text messages",
    "remove me",
    "Remove me from your list",
    "please remove my number",
    "take me off your list",
    "Take my number off this list",
    "delete my number",
    "unsubscribe me",
    "Please unsubscribe me from this list",
    "I would like to unsubscribe",
    "opt me out",
    "I want to opt out of these texts",
    "don't text me",
    "Don’t text me again",
    "do not contact me",
    "Do not text this number again",
    "never text me again",
    "leave me alone",
    "lose my number",
    "ARRET",
    "Arrêt",
    "ARRÊTE",
    "arretez",
    "arrêtez de m'écrire",
    "ARRETT",
    "Arrêter s'il vous plaît",
    "plus de messages",
    "désabonnez-moi",
    "Je veux me désabonner",
    "PARAR",
    "Alto",
    "basta",
    "¡Basta, por favor!",
    "DETENER",
    "cancelar",
    "no más",
    "No mas mensajes, gracias",
    "dar de baja",
    "Quiero darme de baja",
    "no me escriban más",
    "Por favor no me manden más mensajes",
    "STOP\n\nSent from my iPhone",
    "STOP Sent from my iPhone",
    "Stop\nSent from Yahoo Mail on Android",
    "Stop.\n\nGet Outlook for iOS",
    "arrêt\n\nEnvoyé de mon iPhone",
    "Basta\n\nEnviado desde mi iPhone",
    "stop\n\nVon meinem iPhone gesendet",
    "stop\n\nSent from my iPhone\nJoe Miller",
    "cancel texts",
    "Cancel all texts",
    "cancel text messages",
    "end these messages",
    "un-subscribe",
    "Unsubscibe",
    "Stop s.v.p.",
    "arrêt, s.v.p.",
    "Yes, stop",
    "text STOP",
    "no messages",
    "No quiero mensajes",
    "Bórrame de su lista",
    "do not call or text",
    "SOTP",
    "Please “stop sending me any messages”",
    "STО\u{420}",
    "no thanks\n> Hello! Thanks for calling Joe's Plumbing\nstop",
];

const INNOCENT: &[&str] = &[
    "",
    "🛑",
    "...",
    "please stop by at 9",
    "it works non stop",
    "we are at the truck stop",
    "the leak will not stop",
    "please don't call before nine",
    "Can you stop by tomorrow?",
    "stop by tomorrow",
    "Stop in when you are near",
    "Stop over whenever",
    "stop at the green house",
    "the end",
    "In the end we fixed it ourselves",
    "End of the week works",
    "cancel my 3pm appointment",
    "please cancel tomorrow's visit",
    "Can I cancel for Friday?",
    "can you stop the leak",
    "The water won't stop",
    "it doesn't stop dripping",
    "How do I stop the water",
    "Stop leaking please :)",
    "the pump stops and starts",
    "The bus stop is in front of the house",
    "Non-stop noise from the boiler",
    "The stopcock is stuck",
    "my son quit his job, can you come later",
    "The heater quit working",
    "I need help with my sink",
    "help me please, water everywhere",
    "can you help?",
    "more info please",
    "START tomorrow",
    "when can you start",
    "yes please",
    "Yes, at 9",
    "no",
    "No thanks",
    "ok thank you",
    "Please text me when you are here",
    "text me again when you are near",
    "don't send anyone today please",
    "Don't bother coming, it works again",
    "can you remove my old sink",
    "Remove the old boiler and take it with you",
    "Take the bus from the station",
    "I'd like to opt for the cheaper one",
    "parar la fuga por favor, hay agua en todo el piso",
    "necesito ayuda con el lavabo",
    "El techo es muy alto",
    "la fuite s'arrête quand je ferme l'eau",
    "I got your message, thanks",
    "The alarm sends messages all day, can you look at it",
    "Turn left after the stop sign\n\nSent from my iPhone",
    "it was sent from my wife's phone",
    "a root may block the pipe",
    "On est tranquille maintenant, merci",
    "la presión está muy baja",
    "¿puede hacer que pare de gotear?",
    "Je veux plus de pression dans la douche",
    "Liked “Hello! Thanks for calling Joe's Plumbing. How can we help you today? Reply STOP to opt out.”",
    "Emphasized \"Thanks for calling Joe's Plumbing. Reply STOP to opt out.\"",
    "Le encantó “Thanks for calling Joe's Plumbing. Reply STOP to opt out.”",
    "> Thanks for calling Joe's Plumbing. Reply STOP to opt out.\nYes please, the sink leaks",
];

const UNSURE: &[&str] = &[
    "non stop",
    "Non-stop!",
    "this is spam stop",
    "7 stop",
    "for the love of god stop",
    "go away",
    "not interested",
    "enough",
    "DNC",
    "stop123",
    "halt",
    "do not call me",
    "stop it already",
    "ok stop it",
    "Hi there\n> stop texting me",
    "I don't want “these messages of yours”",
    "Please cancel",
    "cancel, thanks",
    "por favor cancelar",
    "end please",
    "Stop it now!",
    "stop messaging my husband's number",
    "please stop calling me it's enough",
    "I don't want messages",
    "enough messages",
    "Stop it you idiots and stop texting",
    "I have told you three times to stop texting me and I will call my lawyer if this goes on",
    "I am not Joe. Stop!",
    "STOP. I don't know who you are",
    "Stop! Wrong person",
    "STOP Joe's Plumbing",
    "how do I unsubscribe",
    "I opted out of this last week",
    "who is this? remove me",
    "please don't text back, I am driving, call me",
    "I did not subscribe to this",
    "STOP\n\nJoe Miller\nMiller & Sons",
    "no more texts after six please",
    "take me off whatever list this is",
    "if you write again I will report you",
    "I don't want these messages",
    "how do I block you? block me",
    "Je ne veux plus recevoir de messages",
    "laissez-moi tranquille",
    "¡Déjenme en paz!",
    "por favor baja",
    "you have the wrong number",
];

fn asks(keyword: Keyword) -> Reading {
    Reading::Asks(keyword)
}

#[test]
fn opt_outs_in_peoples_words_are_read_as_such() {
    assert!(OPT_OUTS.len() >= 60);
    let missed: Vec<_> = OPT_OUTS.iter().filter(|text| Reading::of(text) != asks(Keyword::Stop)).collect();
    assert_eq!(missed, Vec::<&&str>::new());
}

#[test]
fn innocent_sentences_stay_innocent() {
    assert!(INNOCENT.len() >= 40);
    let taken = INNOCENT.iter().map(|text| (text, Reading::of(text))).filter(|(_, reading)| *reading != Reading::Ordinary);
    assert_eq!(taken.collect::<Vec<_>>(), []);
}

#[test]
fn what_may_be_an_opt_out_is_left_to_a_person() {
    let sure = UNSURE.iter().map(|text| (text, Reading::of(text))).filter(|(_, reading)| *reading != Reading::PerhapsStop);
    assert_eq!(sure.collect::<Vec<_>>(), []);
}

#[test]
fn start_help_and_yes_are_read_alone_only() {
    for (words, reading) in [
        (&["START", "Unstop!", "start start", "ＳＴＡＲＴ"][..], asks(Keyword::Start)),
        (&["help", "HELP?", "Info", "AYUDA", "¡Ayuda!", "aide", "help\n\nSent from my iPhone"], asks(Keyword::Help)),
        (&["YES", "yes!", "Yes yes", "yes 👍"], Reading::Yes),
    ] {
        for word in words {
            assert_eq!(Reading::of(word), reading, "{word}");
        }
    }
}

/// A 64-byte limit before normalising once let these pass.
#[test]
fn length_alone_changes_nothing() {
    for tail in ["!".repeat(9_000), "😡".repeat(2_000), " ".repeat(9_000), "\u{301}".repeat(9_000), " STOP".repeat(1_999)] {
        assert_eq!(Reading::of(&format!("STOP{tail}")), asks(Keyword::Stop));
        assert_eq!(Reading::of(&format!("please stop by at 9{}", tail.replace("STOP", "9"))), Reading::Ordinary);
    }
    // The dearest there are: every word begins something.
    for text in ["please thanks ".repeat(700), "stop no ".repeat(1_200), "dont send a a ".repeat(700)] {
        assert_ne!(Reading::of(&text), asks(Keyword::Stop));
    }
}

fn decorated() -> impl Strategy<Value = (usize, Vec<u8>)> {
    (0..OPT_OUTS.len() + INNOCENT.len() + UNSURE.len(), prop::collection::vec(0..10_u8, 0..6))
}

/// The text in another dress: none of these says anything.
fn dress(text: &str, how: u8) -> String {
    match how {
        0 => format!("{text}!!!"),
        1 => format!("  {text} 😡😡"),
        2 => text.to_uppercase(),
        3 => {
            text.chars().map(|c| if c.is_ascii_graphic() { char::from_u32(u32::from(c) + 0xfee0).unwrap() } else { c }).collect()
        }
        4 => text.chars().flat_map(|c| [c, '\u{200d}']).collect(),
        5 => format!("\"{text}\""),
        6 => format!("{text}\n"),
        7 => text.replace(' ', "   "),
        8 => text.to_lowercase(),
        _ => format!("{text}\u{fe0f}…"),
    }
}

proptest! {
    #[test]
    fn decoration_never_changes_the_verdict((which, how) in decorated()) {
        let all = OPT_OUTS.iter().chain(INNOCENT).chain(UNSURE);
        let text = *all.clone().nth(which).unwrap();
        let dressed = how.iter().fold(text.to_owned(), |text, how| dress(&text, *how));
        prop_assert_eq!(Reading::of(&dressed), Reading::of(text), "{:?} as {:?}", text, dressed);
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        _ = Reading::of(&text);
    }
}
