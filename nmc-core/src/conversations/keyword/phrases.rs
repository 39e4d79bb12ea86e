//! The words and phrases that count, written as [`super::words`] leaves them: small letters, no marks, no apostrophes.
//!
//! They are Twilio's and CTIA's lists in English, Spanish and French, and what people write instead of them.

/// Opt-outs by themselves alone: with a word beside them they may be about an appointment.
pub(super) const STOP_ALONE: &[&str] =
    &["cancel", "cancelall", "end", "revoke", "remove", "cancelar", "cancela", "baja", "pare", "stop2end", "stop2quit"];

/// Opt-outs that stay one beside polite words ("please stop", "stop, thank you").
pub(super) const STOP_WORDS: &[&str] = &[
    "stop",
    "stopp",
    "stopall",
    "quit",
    "unsubscribe",
    "unsubcribe",
    "unsuscribe",
    "unsubscribed",
    "optout",
    "arret",
    "arrete",
    "arrett",
    "arreter",
    "arretez",
    "desabonner",
    "desabonnement",
    "desinscrire",
    "desinscription",
    "detener",
    "detengan",
    "detenga",
    "parar",
    "paren",
    "alto",
    "basta",
    "desuscribir",
    "desuscribirme",
];

/// Words that opt in again.
pub(super) const START: &[&str] = &["start", "unstop"];

/// Words that ask who is texting.
pub(super) const HELP: &[&str] = &["help", "info", "ayuda", "aide"];

/// What may stand before a wish without changing it.
pub(super) const POLITE_BEFORE: &[&str] = &[
    "please",
    "pls",
    "plz",
    "plse",
    "kindly",
    "just",
    "hi",
    "hello",
    "hey",
    "ok",
    "okay",
    "no",
    "nope",
    "sorry",
    "thanks",
    "thank you",
    "no thanks",
    "no thank you",
    "i said",
    "reply",
    "por favor",
    "porfavor",
    "hola",
    "gracias",
    "no gracias",
    "sil vous plait",
    "s il vous plait",
    "svp",
    "stp",
    "merci",
    "non",
    "non merci",
    "bonjour",
];

/// What may stand behind one.
pub(super) const POLITE_AFTER: &[&str] = &[
    "please",
    "pls",
    "plz",
    "plse",
    "thanks",
    "thank you",
    "thankyou",
    "thx",
    "ty",
    "thank u",
    "thank you very much",
    "thanks a lot",
    "many thanks",
    "now",
    "right now",
    "immediately",
    "asap",
    "at once",
    "ok",
    "okay",
    "sir",
    "maam",
    "por favor",
    "porfavor",
    "gracias",
    "muchas gracias",
    "ya",
    "sil vous plait",
    "s il vous plait",
    "svp",
    "stp",
    "merci",
    "merci beaucoup",
    "maintenant",
];

/// What turns a phrase into a request or a wish; a single word after it may be about work ("can you stop?").
pub(super) const REQUESTS: &[&str] = &[
    "can you",
    "can you please",
    "could you",
    "could you please",
    "would you",
    "would you please",
    "will you",
    "will you please",
    "you can",
    "you may",
    "i want to",
    "i want you to",
    "i would like to",
    "i would like you to",
    "id like to",
    "id like you to",
    "i wish to",
    "i need to",
    "i need you to",
    "quiero",
    "quisiera",
    "je veux",
    "je voudrais",
    "veuillez",
];

/// Whole texts that are an opt-out, polite words and requests apart. See [`matches`] for how they are written.
pub(super) const STOP_PHRASES: &[&str] = &[
    "opt me? out of? these|this|all|your|the? texts|messages|list?",
    "unsubscribe|unsubcribe|unsuscribe|optout|stopall me|us|all? from? this|the|your|these|all? list|texts|messages|service?",
    "be unsubscribed|removed from? your|this|the? list?",
    "stop all",
    "stop to opt out",
    "stop to|2 end|quit|cancel|unsubscribe|stop",
    "stop|quit|cease|end all|the|these|those|your|any? text|texts|texting|message|messages|messaging|msgs|sms|spam",
    "stop|quit|cease text|texts|message|messages to? me|us",
    "stop|quit|cease texting|messaging|contacting|spamming|bothering|harassing|writing me|us to? anymore|again|already?",
    "stop|quit|cease texting|messaging|contacting this|my number|phone|cell",
    "stop|quit|cease sending me|us? any|these|those|the|all|your? more? text|texts|message|messages|msgs|sms? text|texts|message|messages? to? me?",
    "no more text|texts|texting|message|messages|msgs|sms text|texts|message|messages? to? me|us?",
    "no texts|texting|sms",
    "no text messages",
    "do not|dont text|message|contact|sms|bother|txt me|us|this? number? anymore|again|ever? again?",
    "dont text|message|contact|sms|bother|txt me|us|this? number? anymore|again|ever? again?",
    "do not|dont send me|us? any|these|those|the? more? text|texts|message|messages|msgs|sms text|texts|message|messages? anymore|again?",
    "dont send me|us? any|these|those|the? more? text|texts|message|messages|msgs|sms text|texts|message|messages? anymore|again?",
    "never text|message|contact me|us again|anymore?",
    "remove|take|delete me|us",
    "remove|delete|take me|us|my|this name|number|phone? number? from|off of? your|the|this|these|all|any list|lists|database|texts|messages|contacts|system",
    "remove|delete|lose my|this number",
    "take me|us off",
    "leave me|us alone",
    "cease and desist",
    "no mas",
    "no mas mensajes|textos|texto|sms",
    "dar|darme|dame|deme|denme me? de baja",
    "no me? escriban|escriba|escribas|manden|mande|mandes|envien|envie|envies|contacten|contacte|molesten|moleste mas? mensajes|textos|sms?",
    "dejen|deje|deja de escribirme|mandarme|enviarme|molestarme|contactarme mas? mensajes|textos|sms?",
    "paren|pare|para de escribirme|mandarme|enviarme|molestarme mas? mensajes|textos|sms?",
    "quitenme|quiteme|quitame|borrenme|borreme|eliminenme|elimineme de la|su lista",
    "arretez|arrete|arreter|stop les|vos|ces|aux|des messages|textos|sms",
    "arretez|arrete|arreter de mecrire|menvoyer|me|m texter|ecrire|contacter|envoyer? des? messages|textos|sms?",
    "plus de messages|message|textos|texto|sms",
    "ne mecrivez|menvoyez|me plus contactez|textez|ecrivez? plus? de? messages|textos|sms?",
    "me? desabonner|desinscrire",
    "desabonnez|desinscrivez|retirez|enlevez moi de? la|votre|vos? liste|listes?",
];

/// Pieces of a text that somebody should read, wherever they stand.
pub(super) const PERHAPS: &[&str] = &[
    "stop|quit|cease ANY? texting|messaging|contacting|sending|spamming|harassing|bothering|texts|messages|msgs|sms|spam",
    "stop|quit|cease ANY ANY texting|messaging|spamming|harassing|bothering|texts|messages|msgs|sms|spam",
    "stop|quit|cease ANY? calling|phoning|ringing|dialing",
    "stop it|this|that already|now|please|immediately|asap",
    "do not want ANY? ANY? text|texts|message|messages|msgs|sms|calls",
    "dont want ANY? ANY? text|texts|message|messages|msgs|sms|calls",
    "enough text|texts|message|messages|msgs|sms|calls",
    "unsubscribe|unsubcribe|unsuscribe|unsubscribed|optout",
    "opt|opted|opting me? out",
    "take me|us|my|this name|number? off",
    "remove|delete me|us",
    "remove|delete|lose my|this name|number",
    "no more text|texts|texting|message|messages|msgs|sms",
    "wrong number",
    "block me",
    "block this|my number",
    "baja por favor",
    "por favor baja",
    "dejenme|dejeme|dejame en paz",
    "borrar|borren|borre mi numero",
    "ne me contactez|ecrivez plus",
    "veux plus recevoir",
    "laissez|laisse moi tranquille",
    "do not text|message|contact|txt",
    "dont text|message|contact|txt",
    "do not|dont send ANY? ANY? text|texts|message|messages|msgs|sms",
    "do not|dont bother me|us",
    "never text|message|contact",
    "leave me|us alone",
    "not|didnt consent|subscribe",
    "without my consent",
    "report you|spam",
    "no mas mensajes|textos|sms",
    "dar|darme|dame|deme|denme me? de baja",
    "no me escriban|escriba|escribas|manden|mande|envien|envie|contacten|molesten",
    "dejen|deje de escribirme|mandarme|enviarme|molestarme",
    "desabonner|desinscrire|desabonnez|desinscrivez",
    "arretez|arrete de mecrire|menvoyer|me",
    "ne mecrivez|menvoyez plus",
];

/// Words behind STOP with which a short text is about a visit or a leak.
pub(super) const MAY_FOLLOW_STOP: &[&str] = &[
    "by",
    "in",
    "over",
    "at",
    "on",
    "off",
    "there",
    "here",
    "the",
    "a",
    "an",
    "and",
    "for",
    "to",
    "my",
    "our",
    "your",
    "leak",
    "leaking",
    "leaks",
    "water",
    "running",
    "working",
    "worked",
    "dripping",
    "valve",
    "sign",
    "light",
    "cock",
    "tomorrow",
    "today",
    "tonight",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "after",
    "before",
    "whenever",
    "when",
    "if",
    "as",
    "around",
    "anytime",
    "later",
    "back",
    "down",
    "through",
    "with",
    "is",
    "was",
    "or",
    "shop",
    "first",
    "near",
];

/// Whether a phrase is all of the words. A phrase is a row of places: each is a choice of words (`text|texts`) or any word
/// (`ANY`), and may be missing if it ends with a question mark (`me|us?`).
pub(super) fn matches(phrase: &str, words: &[&str]) -> bool {
    places_match(phrase.split(' '), words, true)
}

/// Whether the words begin with a phrase.
pub(super) fn begin_with(phrase: &str, words: &[&str]) -> bool {
    places_match(phrase.split(' '), words, false)
}

fn places_match<'p>(mut places: impl Iterator<Item = &'p str> + Clone, words: &[&str], whole: bool) -> bool {
    let Some(place) = places.next() else { return words.is_empty() || !whole };
    let (choice, may_be_missing) = place.strip_suffix('?').map_or((place, false), |choice| (choice, true));
    if may_be_missing && places_match(places.clone(), words, whole) {
        return true;
    }
    words.split_first().is_some_and(|(word, others)| {
        (choice == "ANY" || choice.split('|').any(|known| known == *word)) && places_match(places, others, whole)
    })
}
