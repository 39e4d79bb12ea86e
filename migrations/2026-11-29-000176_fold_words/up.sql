-- Spellings of a word that look alike, or that not every keyboard has, are one word.
CREATE OR REPLACE FUNCTION public.nmc_words(body text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
    -- What nobody sees, such as soft hyphens, joiners and marks of direction, is left out as accents are, and ß is ss.
    -- Nothing of it asks the database's collation, which may know the letters of ASCII alone: what has an accent loses it, and the letters
    -- of Latin, Greek and Cyrillic that are then neither ASCII nor small are named.
    SELECT ARRAY(
        SELECT left(word, 40)
        FROM regexp_split_to_table(
            replace(translate(
                lower(regexp_replace(
                    normalize(left(body, 10000), NFKD) COLLATE "C",
                    '[''\u00ad\u02bc\u061c\u180b-\u180f\u200b-\u200f\u2018\u2019\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4-\u05c7\u064b-\u065f\u0670]+', '', 'g')),
                'ÆÐØÞĐĦŁŊŒŦẞƏıςҐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЂЄЅІЈЉЊЋЏ',
                'æðøþđħłŋœŧßəiσґαβγδεζηθικλμνξοπρστυφχψωабвгдежзиклмнопрстуфхцчшщъыьэюяђєѕіјљњћџ'), 'ß', 'ss'),
            '[\u0001-/:-@\[-`{-\u00bf\u00d7\u00f7\u02b0-\u02ff\u055a-\u055f\u0589-\u058f\u05be\u05c0\u05c3\u05f3\u05f4\u0600-\u060f\u061b-\u061f\u066a-\u066d\u06d4\u0964\u0965\u0e3f\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u303f\ufe00-\ufe6f\ufeff\uff00-\uff0f\uff61-\uff65\ufff0-\uffff\U0001f000-\U0001faff\U000e0000-\U000e01ef]+') AS word
        WHERE word <> '')
$$;
COMMENT ON FUNCTION public.nmc_words(text) IS
    'The words of a text as search compares them, in their order: runs of letters and digits, small, without accents, apostrophes and what nobody sees, ß as ss, each up to 40 characters; of the first 10,000 characters.';
